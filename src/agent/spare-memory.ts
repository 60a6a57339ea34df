import { setFlagsFromString } from 'node:v8'

/**
 * Has V8 prefer little memory to speed from here on; for when the start is over.
 *
 * V8 gives memory back when a process seems idle, which Node.js 24 never does to it: what it allocates outside of
 * JavaScript counts as busy where it allocates nothing. So it waits until nothing was collected for 100 s. With this
 * flag it waits for 8 s, and lets the heap grow to 1.3 times of what is in use before it collects, not up to 4 times.
 *
 * It is no flag of the command line because a start with it takes nearly twice as long, all of it garbage collection,
 * while events that come later take no longer (bench/figures/programming.ts, rounds with and without it in turn). V8
 * looks at it anew for each collection.
 */
export function spareMemory(): void {
  setFlagsFromString('--optimize-for-size')
}
