/** Milliseconds of CLOCK_MONOTONIC: the same in all processes and threads of the machine. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}
