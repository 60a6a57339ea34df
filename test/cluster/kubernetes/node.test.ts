import { expect, test } from 'vitest'
import { readNode } from '../../../src/cluster/kubernetes/node.ts'
import { formatAddress, formatCidr } from '../../../src/policy/address.ts'
import { node } from './objects.ts'

function read(object: Parameters<typeof readNode>[0]) {
  const change = readNode(object)
  if (change.kind !== 'node') return change
  const { name, addresses, podCidrs = [] } = change
  return { name, addresses: addresses.map(formatAddress), podCidrs: podCidrs.map(formatCidr) }
}

test('internal addresses and ranges of both families', () => {
  const object = node('n1', ['10.0.0.1', 'fd00::1'], ['10.244.1.0/24', 'fd01::/64'])
  object.status.addresses.push({ type: 'ExternalIP', address: '203.0.113.5' })
  expect(read(object)).toEqual({
    name: 'n1',
    addresses: ['10.0.0.1', 'fd00::1'],
    podCidrs: ['10.244.1.0/24', 'fd01::/64'],
  })
})

test('a node that is only a name', () => {
  expect(read({ metadata: { name: 'n1' } })).toEqual({ name: 'n1', addresses: [], podCidrs: [] })
})

test('podCIDR alone', () => {
  const object = { metadata: { name: 'n1' }, spec: { podCIDR: '10.244.1.0/24' } }
  expect(read(object)).toMatchObject({ podCidrs: ['10.244.1.0/24'] })
})

test('what cannot be read is named', () => {
  const object = { ...node('n1', ['10.0.0.256'], ['10.244.1.0']), kind: 'Node' }
  expect(read(object)).toEqual({
    kind: 'refused',
    subject: { object: 'node', key: 'n1' },
    problems: [
      'status.addresses[1].address: must be an IP address',
      'spec.podCIDRs[0]: must be a range of addresses such as 10.244.1.0/24',
    ],
    salvage: undefined,
  })
})
