import { setFlagsFromString } from 'node:v8'

/** By then V8 has collected what the start has left, some seconds after the last of it. */
const START_IS_FORGOTTEN_MS = 15_000

/**
 * Has V8 give back what a start has used, and prefer little memory from then on; for when the start is over.
 *
 * V8 gives memory back when a process seems idle, which Node.js 24 never does to it: what it allocates outside of
 * JavaScript counts as busy where it allocates nothing. So it waits until nothing was collected for 100 s. With
 * `--optimize-for-size` it waits for 8 s. That flag does not stay: each of its collections stops the agent for 15 to
 * 40 ms, and one comes with the first ADDs after a rest, whose time it doubles. What stays is that the heap grows to
 * 1.3 times of what is in use before V8 collects, not up to 4 times.
 *
 * They are no flags of the command line because a start with them takes nearly twice as long, all of it garbage
 * collection. V8 looks at them anew for each collection.
 */
export function spareMemory(): void {
  setFlagsFromString('--heap-growing-percent=30')
  setFlagsFromString('--optimize-for-size')
  setTimeout(() => setFlagsFromString('--no-optimize-for-size'), START_IS_FORGOTTEN_MS).unref()
}
