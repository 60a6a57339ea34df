export interface Slicing {
  /** Milliseconds of a clock that does not jump. */
  readonly uptime: () => number
  readonly yieldToOthers: () => Promise<unknown>
}

/** Does something with each item. */
export type InSlices = <T>(items: Iterable<T>, each: (item: T) => void) => Promise<void>

const SLICE_MS = 1

/**
 * Long work in slices of time: whenever 1 ms is used up, others have their turn. What it takes to get the items counts
 * as well, and so does what was done just before. A number of items would not tell: before the code is compiled, each
 * takes ten times as long.
 */
export function slicer({ uptime, yieldToOthers }: Slicing): InSlices {
  let end = uptime() + SLICE_MS
  return async (items, each) => {
    for (const item of items) {
      each(item)
      if (uptime() < end) continue
      await yieldToOthers()
      end = uptime() + SLICE_MS
    }
  }
}
