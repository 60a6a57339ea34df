import { setTimeout as delay } from 'node:timers/promises'

const POLL_MS = 100

/** Waits until the condition holds; rejects when the time is over, with what the condition last complained of. */
export async function until(
  what: string,
  timeoutMs: number,
  condition: () => Promise<boolean>,
): Promise<void> {
  const end = performance.now() + timeoutMs
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`Not within ${timeoutMs / 1000} s: ${what}.`)
    await delay(POLL_MS)
  }
}
