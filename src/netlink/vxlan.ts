import { type Address, familyOf } from '../policy/address.ts'
import { addressFromBytes, addressToBytes } from './address-bytes.ts'
import { decode } from './decode.ts'
import { encode } from './encode.ts'
import { IFLA_VXLAN } from './link-table.ts'

/** What makes a link a VXLAN tunnel (RFC 7348). */
export interface Vxlan {
  /** VXLAN network identifier: 24 bits. */
  readonly vni: number
  /** UDP port at which both ends listen. */
  readonly port: number
  /** The tunnel's source; its family is the only one that the tunnel's packets can have. */
  readonly local: Address
  /** Whether it believes the packets that come of where MAC addresses are. */
  readonly learning: boolean
}

/** The content of IFLA_INFO_DATA. */
export function writeVxlan({ vni, port, local, learning }: Vxlan): Uint8Array {
  const bytes = addressToBytes(local)
  return encode(IFLA_VXLAN, {
    IFLA_VXLAN_ID: vni,
    IFLA_VXLAN_LOCAL: familyOf(local) === 4 ? bytes : undefined,
    IFLA_VXLAN_LOCAL6: familyOf(local) === 6 ? bytes : undefined,
    IFLA_VXLAN_LEARNING: learning ? 1 : 0,
    IFLA_VXLAN_PORT: port,
  })
}

/** Undefined for a tunnel without a local address. @throws {NetlinkDecodeError} when it is damaged. */
export function readVxlan(data: Uint8Array | undefined): Vxlan | undefined {
  const values = data === undefined ? {} : decode(IFLA_VXLAN, data)
  const bytes = values.IFLA_VXLAN_LOCAL ?? values.IFLA_VXLAN_LOCAL6
  if (bytes === undefined) return undefined
  return {
    vni: values.IFLA_VXLAN_ID ?? 0,
    port: values.IFLA_VXLAN_PORT ?? 0,
    local: addressFromBytes(bytes, 'IFLA_VXLAN_LOCAL'),
    learning: values.IFLA_VXLAN_LEARNING === 1,
  }
}
