/** What the operating system has given to a process. */
export interface ProcessFacts {
  readonly residentBytes: number
  /** User and system. */
  readonly cpuSeconds: number
  /** Since the epoch. */
  readonly startSeconds: number
}

/** Of this process, now. */
export function readProcessFacts(): ProcessFacts {
  const { user, system } = process.cpuUsage()
  return {
    residentBytes: process.memoryUsage.rss(),
    cpuSeconds: (user + system) / 1e6,
    startSeconds: performance.timeOrigin / 1000,
  }
}
