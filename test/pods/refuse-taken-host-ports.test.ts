import { describe, expect, test } from 'vitest'
import { refuseTakenHostPorts } from '../../src/pods/refuse-taken-host-ports.ts'
import type { PortMapping } from '../../src/pods/port-mapping.ts'
import { address } from '../policy/literals.ts'

const DUAL = ['10.0.0.2', 'fd00::2']

/** Port 8080 for a pod of these addresses, on this address of the node, beside another pod's 8080. */
describe('port 8080 twice', () => {
  test.each<[string, User, User]>([
    ['everywhere', {}, {}],
    ['everywhere and on one address', {}, { hostIp: '192.0.2.1' }],
    ['on one address and on all of its family', { hostIp: '192.0.2.1' }, { hostIp: '0.0.0.0' }],
    ['on one address', { hostIp: 'fd01::1' }, { hostIp: 'fd01::1' }],
    ['on all of IPv6 and everywhere', { hostIp: '::' }, {}],
    ['for a pod of one family', {}, { addresses: ['fd00::3'] }],
  ])('%s is refused', (_, first, second) => {
    for (const [one, other] of [
      [first, second],
      [second, first],
    ] as const) {
      const attempt = (): void => refuseTakenHostPorts(user('cart-0', one), [user('cart-1', other)])
      expect(attempt).toThrow(
        "Host port 8080/TCP that shop/cart-0 (eth0) asks for is shop/cart-1 (eth0)'s on this node; give one of them another hostPort, or another node",
      )
      expect(attempt).toThrow(expect.objectContaining({ fault: 'hostPortTaken' }))
    }
  })

  test.each<[string, User, User]>([
    ['of two protocols', { protocol: 'UDP' }, {}],
    ['on two addresses', { hostIp: '192.0.2.1' }, { hostIp: '192.0.2.2' }],
    ['of two families', { hostIp: '0.0.0.0' }, { hostIp: '::' }],
    ['on one address and on all of the other family', { hostIp: '192.0.2.1' }, { hostIp: '::' }],
    ['for pods of two families', { addresses: ['10.0.0.2'] }, { addresses: ['fd00::3'] }],
    ['for an address of no family of the other', { hostIp: '::1' }, { addresses: ['10.0.0.3'] }],
    ['but the other is 8081', {}, { hostPort: 8081 }],
  ])('%s is fine', (_, first, second) => {
    refuseTakenHostPorts(user('cart-0', first), [user('cart-1', second)])
    refuseTakenHostPorts(user('cart-1', second), [user('cart-0', first)])
  })

  test('by one attachment is fine: it may be told again', () => {
    refuseTakenHostPorts(user('cart-0', {}), [user('cart-0', {})])
  })
})

test('any of several ports of any of several pods is found', () => {
  const both = { ...user('b', {}), portMappings: [mapping({ hostPort: 1 }), mapping({})] }
  expect(() => refuseTakenHostPorts(both, [user('c', { hostPort: 2 }), user('d', {})])).toThrow(
    'Host port 8080/TCP that shop/b (eth0) asks for is shop/d',
  )
})

interface User {
  readonly hostIp?: string
  readonly hostPort?: number
  readonly protocol?: PortMapping['protocol']
  readonly addresses?: readonly string[]
}

function user(name: string, of: User) {
  return {
    id: name,
    pod: { namespace: 'shop', name, uid: '' },
    ifName: 'eth0',
    addresses: (of.addresses ?? DUAL).map(address),
    portMappings: [mapping(of)],
  }
}

function mapping({ hostIp, hostPort = 8080, protocol = 'TCP' }: User): PortMapping {
  const parsed = hostIp === undefined ? undefined : address(hostIp)
  return { hostPort, containerPort: 80, protocol, hostIp: parsed }
}
