import * as v from 'valibot'

/** A schema of text that `read` understands; anything else is told as not being `what`. */
export function readText<T>(read: (text: string) => T | undefined, what: string) {
  return v.pipe(
    v.string(),
    v.rawTransform<string, T>(({ dataset, addIssue, NEVER }) => {
      const value = read(dataset.value)
      if (value !== undefined) return value
      addIssue({ message: `must be ${what}, not ${JSON.stringify(dataset.value.slice(0, 60))}` })
      return NEVER
    }),
  )
}
