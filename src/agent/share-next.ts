/**
 * Runs a task for whoever asks, one run at a time. Those who ask while one is under way share the next, which
 * begins after they have asked.
 */
export function shareNext<T>(task: () => Promise<T>): () => Promise<T> {
  let last: Promise<unknown> = Promise.resolve()
  let next: Promise<T> | undefined
  return () => {
    next ??= last.then(async () => {
      next = undefined
      const run = task()
      last = run.catch(() => undefined)
      return run
    })
    return next
  }
}
