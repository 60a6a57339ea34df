import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { hostProblems } from '../../src/agent/host-problems.ts'
import { emptyKernelState, record } from '../../src/dataplane/kernel-state.ts'
import { NETLINK_NETFILTER, NETLINK_ROUTE } from '../../src/netlink/constants.ts'
import { readConntrackUsage } from '../../src/netlink/conntrack-usage.ts'
import { type NetlinkSocket, openNetlink } from '../../src/netlink/socket.ts'
import { address } from '../policy/literals.ts'
import { type Namespace, openNamespace } from './nftables-namespace.ts'
import { startDataplane } from './start-dataplane.ts'

/** What `nft` and `iptables` of this machine put in the way of pods is told; what keeps out of their way is not. */
let namespace: Namespace
let route: NetlinkSocket
const state = emptyKernelState()
for (const [family, first, last] of [
  [4, '10.1.0.0', '10.1.0.255'],
  [6, 'fd00:1::', 'fd00:1::ff'],
] as const) {
  const ranges = [{ first: address(first), last: address(last) }]
  record(state, { kind: 'ranges', of: 'pods', family, ranges })
}

beforeAll(async () => {
  namespace = openNamespace('host')
  route = openNetlink(NETLINK_ROUTE, { netns: namespace.path })
})
afterEach(() => namespace.nft(['flush', 'ruleset']))
afterAll(() => {
  route.close()
  namespace.close()
})

function problems(): Promise<readonly string[]> {
  const { socket, path } = namespace
  const openListing = () => openNetlink(NETLINK_NETFILTER, { netns: path })
  const sockets = { nftables: socket, conntrack: socket, route, openListing }
  return hostProblems(sockets, { interfacePrefix: 'slc', state })
}

const FORWARD = 'add table inet t; add chain inet t f { type filter hook forward priority 0; }; '

test.each<[string, string]>([
  [
    'add table ip t; add chain ip t f { type filter hook forward priority 0; policy drop; }',
    'The policy of chain f of table ip t drops',
  ],
  [`${FORWARD}add rule inet t f counter drop`, 'A rule in chain f of table inet t drops'],
  [
    `${FORWARD}add rule inet t f ip daddr 10.1.0.7 reject`,
    'A rule in chain f of table inet t rejects',
  ],
  [
    `${FORWARD}add rule inet t f ip saddr 10.0.0.0/9 drop`,
    'A rule in chain f of table inet t drops',
  ],
  [
    `${FORWARD}add rule inet t f ip6 saddr fd00:1::/64 drop`,
    'A rule in chain f of table inet t drops',
  ],
  [`${FORWARD}add rule inet t f iifname "slc*" drop`, 'A rule in chain f of table inet t drops'],
  [
    `${FORWARD}add rule inet t f oifname "slc12345" drop`,
    'A rule in chain f of table inet t drops',
  ],
  [
    'add table inet t; add chain inet t p { type filter hook prerouting priority raw; }; add rule inet t p notrack',
    'A rule in chain p of table inet t keeps packets of pods from connection tracking',
  ],
])('%s', async (rules, sentence) => {
  namespace.nft(['-f', '-'], rules)
  expect(await problems()).toEqual([expect.stringContaining(sentence)])
})

test.each([
  `${FORWARD}add rule inet t f ct state invalid drop`,
  `${FORWARD}add rule inet t f ip daddr 10.2.0.0/16 drop`,
  `${FORWARD}add rule inet t f ip saddr 10.1.0.0/24 tcp dport 25 drop`,
  `${FORWARD}add rule inet t f iifname "slc*" accept; add rule inet t f drop`,
  'add table inet t; add chain inet t i { type filter hook input priority 0; policy drop; }',
  'add table inet t; add chain inet t p { type filter hook prerouting priority raw; }; add rule inet t p ip daddr 169.254.20.10 notrack',
])('nothing is told of %s', async (rules) => {
  namespace.nft(['-f', '-'], rules)
  expect(await problems()).toEqual([])
})

test('rules that iptables made', async () => {
  const iptables = (...args: string[]) => namespace.run(['iptables-nft', ...args])
  iptables('-P', 'FORWARD', 'DROP')
  iptables('-t', 'raw', '-A', 'PREROUTING', '-s', '10.1.0.0/24', '-j', 'CT', '--notrack')
  expect((await problems()).toSorted()).toEqual([
    expect.stringContaining('A rule in chain PREROUTING of table ip raw keeps'),
    expect.stringContaining('The policy of chain FORWARD of table ip filter drops'),
  ])
  iptables('-t', 'raw', '-F')
  iptables('-A', 'FORWARD', '-s', '10.1.0.0/16', '-j', 'ACCEPT')
  expect(await problems()).toEqual([])
})

test('our own tables are none of others', async () => {
  await startDataplane(namespace.socket, { events: [] })
  expect(await problems()).toEqual([])
})

test('how full connection tracking is', () => {
  const { entries, most } = readConntrackUsage(namespace.socket)
  expect(entries).toBe(0)
  expect(most).toBe(Number(namespace.run(['cat', '/proc/sys/net/netfilter/nf_conntrack_max'])))
})

test('kube-proxy in IPVS mode, as long as it is', async () => {
  namespace.run(['ip', 'link', 'add', 'kube-ipvs0', 'type', 'veth'])
  expect(await problems()).toEqual([expect.stringContaining('kube-proxy is in IPVS mode')])
  namespace.run(['ip', 'link', 'delete', 'kube-ipvs0'])
  expect(await problems()).toEqual([])
})
