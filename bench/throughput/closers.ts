/** How to undo what was opened, in its order. */
export type Closers = (() => unknown)[]

/** Undoes all, the last first; what fails does not keep the rest, and is thrown in the end. */
export async function closeAll(closers: Closers): Promise<void> {
  const errors: unknown[] = []
  for (const close of closers.splice(0).toReversed()) {
    try {
      await close()
    } catch (error) {
      errors.push(error)
    }
  }
  if (errors.length > 0) throw new AggregateError(errors, 'The benchmark left something behind.')
}
