/** Something with a name that follows a pattern, and what the pattern's groups found in it. */
export interface Named<T> {
  readonly of: T
  readonly parts: Readonly<Record<string, string>>
}

/**
 * Those whose name follows the pattern.
 *
 * @throws Error when there is none: whoever gave the name and the plot do not agree
 */
export function named<T>(
  all: readonly T[],
  nameOf: (one: T) => string,
  pattern: RegExp,
): Named<T>[] {
  const found = all.flatMap((one): Named<T>[] => {
    const match = pattern.exec(nameOf(one))
    return match === null ? [] : [{ of: one, parts: { ...match.groups } }]
  })
  if (found.length === 0) throw new Error(`No figure has a name like ${pattern.source}.`)
  return found
}
