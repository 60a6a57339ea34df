/** What the Kubernetes source needs of its surroundings: Node's own modules, timers, clock and chance. */
export interface KubernetesSystem {
  readonly http: Pick<typeof import('node:http'), 'Agent' | 'request'>
  readonly https: Pick<typeof import('node:https'), 'Agent' | 'request'>
  readonly readFile: (path: string, encoding: 'utf8') => Promise<string>
  readonly setTimeout: (callback: () => void, delayMs: number) => NodeJS.Timeout
  readonly clearTimeout: (timer: NodeJS.Timeout | undefined) => void
  /** Lets whatever else is due in the event loop run. */
  readonly yieldToOthers: () => Promise<void>
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** From 0 up to, not including, 1. */
  readonly random: () => number
}

/** Resolves after that time, or at once when the signal aborts. */
export function sleep(
  { setTimeout, clearTimeout }: Pick<KubernetesSystem, 'setTimeout' | 'clearTimeout'>,
  delayMs: number,
  signal: AbortSignal,
): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    const finish = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', finish)
      resolve()
    }
    const timer = setTimeout(finish, delayMs)
    signal.addEventListener('abort', finish)
  })
}
