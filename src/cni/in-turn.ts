/** Runs a task after all earlier ones of its key; tasks of different keys do not wait for each other. */
export type InTurn = <T>(key: string, task: () => Promise<T>) => Promise<T>

export function createInTurn(): InTurn {
  /** The last task of each key that has one; it never rejects. */
  const tails = new Map<string, Promise<void>>()
  return async (key, task) => {
    const before = tails.get(key)
    const { promise: tail, resolve: done } = Promise.withResolvers<void>()
    tails.set(key, tail)
    try {
      await before
      return await task()
    } finally {
      if (tails.get(key) === tail) tails.delete(key)
      done()
    }
  }
}
