import { createHash } from 'node:crypto'

/**
 * The MAC address of a node's end of the overlay. Every node computes that of every other from its name: the
 * nodes have nothing but the Node objects to tell each other by. Locally administered and of one receiver
 * (IEEE 802: bit 1 of the first byte set, bit 0 not).
 */
export function vtepMac(nodeName: string): string {
  const bytes = createHash('sha256').update(nodeName).digest().subarray(0, 6)
  bytes[0] = ((bytes[0] ?? 0) & 0xfc) | 0x02
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(':')
}
