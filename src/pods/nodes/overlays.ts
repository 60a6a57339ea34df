import type { Family } from '../../policy/address.ts'

/** A VXLAN tunnel to all nodes that are reached through packets of one family. */
export interface Overlay {
  /** Of the link. It does not begin as those of pods do. */
  readonly name: string
  /** What it puts around each packet: Ethernet, VXLAN, UDP and IP headers (RFC 7348 section 5), in bytes. */
  readonly headerBytes: number
}

/** By the family of the packets that carry the others: a VXLAN link has a socket of one family only. */
export const OVERLAYS: Readonly<Record<Family, Overlay>> = {
  4: { name: 'sluice-vxlan', headerBytes: 50 },
  6: { name: 'sluice-vxlan6', headerBytes: 70 },
}

/** The network identifier that Calico has, so that firewalls and captures know it. */
export const OVERLAY_VNI = 4096
/** UDP port of VXLAN (IANA). */
export const OVERLAY_PORT = 4789

/** Where pods look for nodes that the overlay leads to; numbers up to 252 are often taken. */
export const OVERLAY_TABLE = 8383
/** Of the rules that lead there: before the main table's. */
export const OVERLAY_RULE_PRIORITY = 8383

/** IPv6 has no links below (RFC 8200 section 5); what gets too large for the nodes' link goes in fragments. */
export const LEAST_MTU = 1280
