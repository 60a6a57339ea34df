import type { Vxlan } from '../../netlink/vxlan.ts'
import type { Address, Family } from '../../policy/address.ts'
import { addressOf, type NodeFacts } from './node-facts.ts'
import { LEAST_MTU, OVERLAY_PORT, OVERLAY_VNI, OVERLAYS } from './overlays.ts'
import { vtepMac } from './vtep-mac.ts'

/** A link of the overlay. */
export interface PlannedLink {
  readonly name: string
  readonly vxlan: Vxlan
  readonly mac: string
  /** Bytes. */
  readonly mtu: number
  /**
   * The node's own, though it has them elsewhere too: what the node masquerades as it leaves by a link gets an
   * address of that link, or else of any other.
   */
  readonly addresses: readonly Address[]
}

/** Undefined where the node has no address of this family on a link. */
export function planLink(
  family: Family,
  own: NodeFacts,
  mtuOf: (address: Address) => number | undefined,
): PlannedLink | undefined {
  const local = addressOf(own, family)
  const underlayMtu = local === undefined ? undefined : mtuOf(local)
  if (local === undefined || underlayMtu === undefined) return undefined
  const { name, headerBytes } = OVERLAYS[family]
  const families: readonly Family[] = [4, 6]
  return {
    name,
    vxlan: { vni: OVERLAY_VNI, port: OVERLAY_PORT, local, learning: false },
    mac: vtepMac(own.name),
    mtu: Math.max(underlayMtu - headerBytes, LEAST_MTU),
    addresses: families
      .map((one) => addressOf(own, one))
      .filter((address) => address !== undefined)
      .filter((address) => mtuOf(address) !== undefined),
  }
}
