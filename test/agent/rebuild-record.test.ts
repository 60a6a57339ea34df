import { expect, test } from 'vitest'
import { recordRebuilder } from '../../src/agent/rebuild-record.ts'
import { hostPortsOf } from '../../src/dataplane/host-ports.ts'
import { ip4 } from '../../src/policy/address.ts'
import type { Pod } from '../../src/policy/model.ts'
import { address } from '../policy/literals.ts'

const FOUND = { name: 'slc0123456789ab', addresses: [address('10.0.0.2'), address('fd00::2')] }

const POD: Pod = {
  namespace: 'shop',
  name: 'cart-0',
  uid: 'u1',
  labels: new Map(),
  addresses: FOUND.addresses,
  namedPorts: [],
  createdAt: 1,
  node: 'n1',
  local: false,
}

function rebuild(pods: readonly Pod[], hostPorts = hostPortsOf([], [])) {
  return recordRebuilder({ pods, node: 'n1', hostPorts })(FOUND)
}

test('the pod of this node that has one of the addresses', () => {
  const [, second] = FOUND.addresses
  const pods = [{ ...POD, addresses: second === undefined ? [] : [second] }]
  expect(rebuild(pods)).toEqual({
    id: FOUND.name,
    network: '',
    pod: { namespace: 'shop', name: 'cart-0', uid: 'u1' },
    containerId: '',
    ifName: '',
    netns: '',
    hostInterface: FOUND.name,
    addresses: FOUND.addresses,
    portMappings: [],
    wiredBy: 'sluice',
    releasedAt: undefined,
  })
})

test.each<[string, Partial<Pod>]>([
  ['of another node', { node: 'n2' }],
  ['with other addresses', { addresses: [address('10.0.0.3')] }],
  ['without addresses', { addresses: [] }],
])('no pod %s', (_, change) => {
  expect(rebuild([{ ...POD, ...change }])).toBeUndefined()
})

test('of two that claim the address the one created last, in whichever order they are told', () => {
  const pods = [{ ...POD, uid: 'u2', name: 'cart-1', createdAt: 2 }, POD]
  for (const told of [pods, pods.toReversed()]) {
    expect(rebuild(told)?.pod.name).toBe('cart-1')
  }
})

test.each([
  ['on every address', undefined],
  ['on all of one family', ip4(0)],
  ['on one address', address('192.0.2.1')],
])('a host port %s comes back as it was', (_, hostIp) => {
  const mapping = { protocol: 'TCP', hostPort: 8080, containerPort: 80, hostIp } as const
  const inKernel = hostPortsOf([mapping], FOUND.addresses)
  const others = hostPortsOf([{ ...mapping, hostPort: 8081 }], [address('10.0.0.9')])
  const record = rebuild([POD], [...inKernel, ...others])
  expect(hostPortsOf(record?.portMappings ?? [], FOUND.addresses)).toEqual(inKernel)
})
