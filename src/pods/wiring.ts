import { ip4, ip6 } from '../policy/address.ts'
import type { Address, Family } from '../policy/address.ts'
import type { Attachment } from './attachment.ts'

export interface PodLinks {
  readonly hostMac: string
  readonly podMac: string
  readonly mtu: number
  readonly hostIndex: number
  readonly podIndex: number
}

/** The next hop of every pod: an address that nobody has, answered for by a permanent neighbour entry. */
export const GATEWAYS: Readonly<Record<Family, Address>> = {
  4: ip4(0xa9fe_0101),
  6: ip6(0xfe80_0000_0000_0000_0000_0000_0000_0001n),
}

export interface Wiring {
  create(attachment: Attachment, netns: string, mtu?: number): PodLinks
  raise(attachment: Attachment, netns: string, links: PodLinks): void
  remove(hostInterface: string): void
  hostInterfaces(): readonly string[]
}
