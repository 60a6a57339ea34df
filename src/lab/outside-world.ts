import { type Address, contains, familyOf, formatAddress, parseCidr } from '../policy/address.ts'
import { type AddressPlan, outsideGateways, rangeOf } from './address-plan.ts'
import { addOutsideAddresses } from './topology.ts'

/** All that is neither node nor pod, in one network namespace: it takes the addresses that probes name. */
export class OutsideWorld {
  /** Path of its network namespace. */
  readonly netns: string
  readonly #plan: AddressPlan
  readonly #addresses: Set<Address>

  constructor(netns: string, plan: AddressPlan) {
    this.netns = netns
    this.#plan = plan
    this.#addresses = new Set(outsideGateways(plan))
  }

  /** Makes the address one of its own. Throws a sentence for one that it cannot have. */
  admit(address: Address): void {
    if (this.#addresses.has(address)) return
    const fault = this.#faultOf(address)
    if (fault !== undefined)
      throw new Error(`Nothing can have ${formatAddress(address)}: ${fault}.`)
    addOutsideAddresses(this.netns, [address])
    this.#addresses.add(address)
  }

  #faultOf(address: Address): string | undefined {
    const range = rangeOf(this.#plan, address)
    if (range !== undefined)
      return `it lies in the ${range} range, and no ${range} of the lab has it`
    const family = familyOf(address)
    if (!this.#plan.nodes.some(({ first }) => familyOf(first) === family)) {
      return `the lab runs without IPv${family}`
    }
    const special = SPECIAL.find(({ cidr }) => contains(cidr, address))
    return special && `it is ${special.what}`
  }
}

/** What no host in another network has (RFC 6890). */
const SPECIAL = [
  ['0.0.0.0/8', 'an address of this network'],
  ['127.0.0.0/8', 'a loopback address'],
  ['169.254.0.0/16', 'a link-local address'],
  ['224.0.0.0/4', 'a multicast address'],
  ['240.0.0.0/4', 'reserved'],
  ['::/127', 'the loopback or unspecified address'],
  ['fe80::/10', 'a link-local address'],
  ['ff00::/8', 'a multicast address'],
].flatMap(([text = '', what = '']) => {
  const reading = parseCidr(text)
  return reading === undefined ? [] : [{ cidr: reading.cidr, what }]
})
