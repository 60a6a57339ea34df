import { type Address, type Cidr, parseAddress, parseCidr } from '../../policy/address.ts'
import { type JsonObject, listAt, objectAt, textAt } from '../json.ts'
import type { SourceChange } from '../source-change.ts'

/**
 * A `v1` Node: its addresses of type InternalIP and the ranges of its pods, of both families. One with an
 * address or a range that cannot be read is refused, so that what was known of it stays.
 */
export function readNode(node: JsonObject): SourceChange {
  const name = textAt(objectAt(node, 'metadata'), 'name')
  const addresses: Address[] = []
  const podCidrs: Cidr[] = []
  const problems: string[] = []
  for (const [index, entry] of listAt(objectAt(node, 'status'), 'addresses').entries()) {
    if (textAt(entry, 'type') !== 'InternalIP') continue
    const address = parseAddress(textAt(entry, 'address'))
    if (address !== undefined) addresses.push(address)
    else problems.push(`status.addresses[${index}].address: must be an IP address`)
  }
  for (const [path, text] of rangesOf(objectAt(node, 'spec'))) {
    const cidr = parseCidr(text)?.cidr
    if (cidr !== undefined) podCidrs.push(cidr)
    else problems.push(`${path}: must be a range of addresses such as 10.244.1.0/24`)
  }
  if (problems.length === 0) return { kind: 'node', name, addresses, podCidrs }
  const subject = { object: 'node', key: name } as const
  return { kind: 'refused', subject, problems, salvage: undefined }
}

/** `podCIDRs`, or `podCIDR` where an old object has only that; both are absent until one is assigned. */
function rangesOf(spec: JsonObject): (readonly [path: string, text: string])[] {
  const several = listAt(spec, 'podCIDRs')
  if (several.length > 0) {
    return several.map((range, index) => {
      const text = typeof range === 'string' ? range : ''
      return [`spec.podCIDRs[${index}]`, text] as const
    })
  }
  const one = textAt(spec, 'podCIDR')
  return one === '' ? [] : [['spec.podCIDR', one]]
}
