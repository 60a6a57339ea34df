import { setTimeout } from 'node:timers/promises'
import { gracePeriod } from '../netlink/native.ts'

/** Which no packet takes between two hooks of netfilter, unless the whole machine stands still. */
const LONG_MS = 100

/**
 * Resolves once no packet is on its way that was when it was called, where the kernel tells; after a while elsewhere.
 *
 * @param period resolves when the kernel says so, rejects where it does not
 */
export async function outlivePackets(period: () => Promise<void> = gracePeriod): Promise<void> {
  await period().catch(() => setTimeout(LONG_MS))
}
