import { setTimeout } from 'node:timers/promises'
import { gracePeriod } from '../netlink/native.ts'

/** Which no packet takes between two hooks of netfilter, unless the whole machine stands still. */
const LONG_MS = 100

/** Resolves once no packet is on its way that was when it was called, where the kernel tells; after a while elsewhere. */
export async function outlivePackets(): Promise<void> {
  await gracePeriod().catch(() => setTimeout(LONG_MS))
}
