/** What it throws. @throws when that is nothing, or another kind of error */
export function caught<E extends Error>(type: new (...args: never[]) => E, act: () => unknown): E {
  try {
    act()
  } catch (error) {
    if (error instanceof type) return error
    throw error
  }
  throw new Error('Nothing was thrown.')
}
