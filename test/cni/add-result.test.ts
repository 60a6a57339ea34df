import { expect, test } from 'vitest'
import { addResult } from '../../src/cni/add-result.ts'
import { formatResult } from '../../src/cni/format-result.ts'
import { ip4, ip6 } from '../../src/policy/address.ts'
import { LINKS } from '../pods/parts.ts'

const OUTCOME = {
  attachment: {
    id: 'slc0123456789ab',
    network: 'sluice',
    portMappings: [],
    wiredBy: 'sluice' as const,
    pod: { namespace: 'shop', name: 'cart-0', uid: '' },
    containerId: 'c0ffee',
    ifName: 'eth0',
    hostInterface: 'slc0123456789ab',
    addresses: [ip4(0x0a000002), ip6((0xfd00n << 112n) | 2n)],
  },
  netns: '/run/netns/a',
  links: LINKS,
  dns: { nameservers: ['10.96.0.10'] },
}

const HOST = { name: 'slc0123456789ab', mac: 'ee:ee:ee:ee:ee:ee' }
const POD = { name: 'eth0', mac: '5a:4c:0a:00:00:02', sandbox: '/run/netns/a' }
const IP4 = { address: '10.0.0.2/32', gateway: '169.254.1.1', interface: 1 }
const IP6 = { address: 'fd00::2/128', gateway: 'fe80::1', interface: 1 }
const REST = {
  routes: [
    { dst: '0.0.0.0/0', gw: '169.254.1.1' },
    { dst: '::/0', gw: 'fe80::1' },
  ],
  dns: { nameservers: ['10.96.0.10'] },
}
const WITH_FAMILY = [
  { version: '4', ...IP4 },
  { version: '6', ...IP6 },
]

test.each([
  ['0.3.1', [HOST, POD], WITH_FAMILY],
  ['0.4.0', [HOST, POD], WITH_FAMILY],
  ['1.0.0', [HOST, POD], [IP4, IP6]],
  [
    '1.1.0',
    [
      { ...HOST, mtu: 1500 },
      { ...POD, mtu: 1500 },
    ],
    [IP4, IP6],
  ],
] as const)('the result of an ADD in version %s', (cniVersion, interfaces, ips) => {
  const result: unknown = JSON.parse(formatResult(addResult(OUTCOME), cniVersion))
  expect(result).toStrictEqual({ cniVersion, interfaces, ips, ...REST })
})

test('no dns in the configuration, none in the result', () => {
  expect(formatResult(addResult({ ...OUTCOME, dns: undefined }), '1.1.0')).not.toContain('dns')
})
