/** Thousands of nodes are some hundred milliseconds of work: nothing else shall wait that long. */
const STEP = 64

/** Does something with each item, and lets others have their turn after every few. */
export async function inSteps<T>(
  items: Iterable<T>,
  yieldToOthers: () => Promise<unknown>,
  each: (item: T) => void,
): Promise<void> {
  let done = 0
  for (const item of items) {
    each(item)
    if (++done % STEP === 0) await yieldToOthers()
  }
}
