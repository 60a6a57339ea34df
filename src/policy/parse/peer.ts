import { formatCidr, parseCidr, strictlyInside } from '../address.ts'
import type { Cidr } from '../address.ts'
import type { Field } from './field.ts'
import { checkObject, child, describe, isAbsent, items, readText, refuse, warn } from './field.ts'
import type { Peer } from '../model.ts'
import { readSelector } from './selector.ts'

/** One of a rule's `from` or `to` (API: `NetworkPolicyPeer`). */
export function readPeer(field: Field): Peer | undefined {
  if (!checkObject(field, ['podSelector', 'namespaceSelector', 'ipBlock'])) return undefined
  const pods = child(field, 'podSelector')
  const namespaces = child(field, 'namespaceSelector')
  const block = child(field, 'ipBlock')
  const selecting = !isAbsent(pods) || !isAbsent(namespaces)
  if (!isAbsent(block)) {
    if (selecting) refuse(field, 'must not have ipBlock beside a selector: make them two peers')
    return readBlock(block)
  }
  if (selecting) {
    return {
      kind: 'pods',
      namespaces: isAbsent(namespaces) ? 'own' : readSelector(namespaces),
      pods: readSelector(pods),
    }
  }
  // An API server that accepted it knows a kind of peer that we do not. Guessing would open something.
  if (field.notes.unknownFields === 'ignore') return { kind: 'nothing' }
  return refuse(field, 'is empty: give it podSelector, namespaceSelector or ipBlock')
}

function readBlock(field: Field): Peer | undefined {
  if (!checkObject(field, ['cidr', 'except'])) return undefined
  const cidr = readCidr(child(field, 'cidr'))
  const except = items(child(field, 'except')).map((item) => {
    const part = readCidr(item)
    if (part === undefined || cidr === undefined || strictlyInside(part, cidr)) return part
    return refuse(item, `must lie strictly inside ${formatCidr(cidr)}, but is ${formatCidr(part)}`)
  })
  if (cidr === undefined) return undefined
  return { kind: 'block', cidr, except: except.filter((part) => part !== undefined) }
}

function readCidr(field: Field): Cidr | undefined {
  const text = readText(field)
  if (text === undefined) return undefined
  const read = parseCidr(text)
  if (read === undefined) {
    return refuse(field, `must be a block such as 10.0.0.0/8 or fd00::/8, not ${describe(text)}`)
  }
  if (read.warning !== undefined) warn(field, read.warning)
  return read.cidr
}
