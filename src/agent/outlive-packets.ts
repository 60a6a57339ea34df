import { setTimeout } from 'node:timers/promises'

/** For so long a packet may be held up between two lookups; without that, all of them take some microseconds. */
const HELD_UP_MS = 10

/** Resolves once no packet is on its way through the program that was when it was called (docs/decisions/0007). */
export async function outlivePackets(): Promise<void> {
  await setTimeout(HELD_UP_MS)
}
