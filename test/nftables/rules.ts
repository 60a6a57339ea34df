import { map, set } from '../../src/nftables/set.ts'
import {
  accept,
  counter,
  dnat,
  drop,
  goto,
  inSet,
  jump,
  limit,
  log,
  mapLookup,
  match,
  matchAny,
  matchBits,
  matchMasked,
  notInSet,
  oneIn,
  oneOf,
  reject,
  returnVerdict,
  setMeta,
  update,
} from '../../src/nftables/statements.ts'
import type { Statement } from '../../src/nftables/statements.ts'

export const sets = {
  pods: set('in_pods4', ['ipv4_addr']),
  podsOfInterfaces: set('pod_if4', ['ifname', 'ipv4_addr']),
  blocks: map('block_class4', ['ipv4_addr'], ['classid'], { flags: ['interval'] }),
  rows: map('in_ports4', ['ipv4_addr', 'classid'], ['classid']),
  rows6: map('in_ports6', ['ipv6_addr', 'classid'], ['classid']),
  all: set('ports_all', ['classid']),
  ports: set('ports_port', ['classid', 'inet_proto', 'inet_service']),
  ranges: set('ports_range', ['classid', 'inet_proto', 'inet_service'], { flags: ['interval'] }),
  cut: set('cut4', ['ipv4_addr', 'ipv4_addr', 'inet_proto', 'inet_service', 'inet_service'], {
    flags: ['timeout'],
  }),
  rate: set('deny_rate4', ['ipv4_addr'], {
    size: 4096,
    flags: ['dynamic', 'timeout'],
    timeoutMs: 10_000,
  }),
  hostPorts: map('hostport4', ['inet_proto', 'inet_service'], ['ipv4_addr', 'inet_service']),
}

const portKey = ['meta priority', 'meta l4proto', 'th dport'] as const
const cutKey = ['ip saddr', 'ip daddr', 'meta l4proto', 'th sport', 'th dport'] as const
const linkLocal = { first: 0xfe80n << 112n, prefix: 10 }

/** What nft prints for a rule, and reads. */
export const rules: readonly (readonly [text: string, ...statements: readonly Statement[]])[] = [
  ['accept', accept],
  ['drop', drop],
  ['return', returnVerdict],
  ['jump other', jump('other')],
  ['goto other', goto('other')],
  ['counter packets 0 bytes 0', counter()],
  ['counter name "spoofed"', counter('spoofed')],
  ['log group 5', log({ group: 5 })],
  [
    'log prefix "in " group 5 snaplen 96 queue-threshold 32',
    log({ group: 5, prefix: 'in ', snaplen: 96, queueThreshold: 32 }),
  ],
  ['limit rate 1000/second', limit(1000)],
  ['limit rate 10/minute burst 20 packets', limit(10, 'minute', 20)],
  ['limit rate 7/hour burst 1 packets', limit(7, 'hour', 1)],
  ['numgen inc mod 10 0 accept', oneIn(10), accept],
  [
    'meta l4proto tcp reject with tcp reset',
    match('meta l4proto', '==', 'tcp'),
    reject('tcp reset'),
  ],
  ['reject with icmpx no-route', reject('no-route')],
  ['reject', reject('port-unreachable')],
  ['reject with icmpx host-unreachable', reject('host-unreachable')],
  ['reject with icmpx admin-prohibited', reject('admin-prohibited')],

  ['iifname "lo"', match('iifname', '==', 'lo')],
  ['iifname "slc*"', match('iifname', '==', 'slc*')],
  ['iifname != "slc*" accept', match('iifname', '!=', 'slc*'), accept],
  ['oifname "fifteen-letters"', match('oifname', '==', 'fifteen-letters')],
  ['iifname { "lo", "eth0" }', oneOf('iifname', ['lo', 'eth0'])],
  ['meta nfproto ipv6', match('meta nfproto', '==', 'ipv6')],
  ['meta l4proto { tcp, udp }', oneOf('meta l4proto', ['tcp', 'udp'])],
  ['meta mark 0x00000005', match('meta mark', '==', 5)],
  ['meta mark set 0x00000007', setMeta('meta mark', 7)],
  ['meta priority 8000:11', match('meta priority', '==', 0x8000_0011)],
  ['meta priority < 8000:0', match('meta priority', '<', 0x8000_0000)],
  ['meta priority <= 8000:0', match('meta priority', '<=', 0x8000_0000)],
  ['meta priority > 0:f', match('meta priority', '>', 15)],
  ['meta priority >= c000:0 goto other', match('meta priority', '>=', 0xc000_0000), goto('other')],
  ['meta priority none', match('meta priority', '==', 0)],
  ['meta priority & 8000:0 == none', matchBits('meta priority', 0x8000_0000, '==', 0)],
  [
    'meta priority & c000:0 == c000:0 goto other',
    matchBits('meta priority', 0xc000_0000, '==', 0xc000_0000),
    goto('other'),
  ],
  ['meta mark & 0x0000000f != 0x00000001', matchBits('meta mark', 15, '!=', 1)],
  ['meta priority set none accept', setMeta('meta priority', 0), accept],
  ['meta priority set 0:10', setMeta('meta priority', 16)],

  ['ip saddr 1.2.3.4', match('ip saddr', '==', 0x0102_0304)],
  ['ip daddr 127.0.0.0/8 drop', match('ip daddr', '==', { first: 0x7f00_0000, prefix: 8 }), drop],
  ['ip saddr != 10.16.0.0/12', match('ip saddr', '!=', { first: 0x0a10_0000, prefix: 12 })],
  ['ip saddr 1.2.3.4/31', match('ip saddr', '==', { first: 0x0102_0304, prefix: 31 })],
  [
    'ip saddr { 10.0.0.0/8, 192.168.1.1 }',
    oneOf('ip saddr', [{ first: 0x0a00_0000, prefix: 8 }, 0xc0a8_0101]),
  ],
  ['ip6 daddr ::1', match('ip6 daddr', '==', 1n)],
  ['ip6 saddr fe80::/10', match('ip6 saddr', '==', linkLocal)],
  ['ip6 saddr fd00::/8', match('ip6 saddr', '==', { first: 0xfdn << 120n, prefix: 8 })],
  [
    'ip6 saddr { ::, fe80::/10 } icmpv6 type { nd-router-solicit, nd-neighbor-solicit } ip6 hoplimit 255 return',
    oneOf('ip6 saddr', [0n, linkLocal]),
    oneOf('icmpv6 type', ['nd-router-solicit', 'nd-neighbor-solicit']),
    match('ip6 hoplimit', '==', 255),
    returnVerdict,
  ],
  ['icmpv6 type mld2-listener-report', match('icmpv6 type', '==', 'mld2-listener-report')],
  ['icmp type echo-request', match('icmp type', '==', 'echo-request')],
  ['th sport 53', match('th sport', '==', 53)],
  ['th dport >= 1024', match('th dport', '>=', 1024)],
  ['tcp dport != 80', match('tcp dport', '!=', 80)],
  ['tcp sport 80', match('tcp sport', '==', 80)],
  ['udp dport { 53, 5353 }', oneOf('udp dport', [53, 5353])],
  ['udp sport 53', match('udp sport', '==', 53)],
  [
    'udp dport 4789 @th,96,24 4096 drop',
    match('udp dport', '==', 4789),
    match('@th,96,24', '==', 4096),
    drop,
  ],
  [
    'tcp flags != syn / fin,syn,rst,ack drop',
    matchMasked('tcp flags', ['fin', 'syn', 'rst', 'ack'], '!=', ['syn']),
    drop,
  ],
  ['tcp flags rst', matchAny('tcp flags', ['rst'])],
  ['ct state established,related accept', matchAny('ct state', ['established', 'related']), accept],
  ['ct state new', matchAny('ct state', ['new'])],
  ['ct state invalid,untracked', matchAny('ct state', ['invalid', 'untracked'])],
  ['ct status dnat', matchAny('ct status', ['dnat'])],
  ['ct direction reply', match('ct direction', '==', 'reply')],
  ['fib saddr type != local', match('fib saddr type', '!=', 'local')],
  ['fib daddr type local', match('fib daddr type', '==', 'local')],

  ['ip daddr @in_pods4', inSet(['ip daddr'], sets.pods)],
  ['ip daddr != @in_pods4 accept', notInSet(['ip daddr'], sets.pods), accept],
  ['meta priority @ports_all', inSet(['meta priority'], sets.all)],
  ['iifname . ip saddr != @pod_if4', notInSet(['iifname', 'ip saddr'], sets.podsOfInterfaces)],
  ['meta priority . meta l4proto . th dport @ports_port', inSet(portKey, sets.ports)],
  ['meta priority . meta l4proto . th dport @ports_range', inSet(portKey, sets.ranges)],
  [
    'ip saddr . ip daddr . meta l4proto . th sport . th dport @cut4 counter packets 0 bytes 0 drop',
    inSet(cutKey, sets.cut),
    counter(),
    drop,
  ],
  [
    'meta priority set ip saddr map @block_class4',
    setMeta('meta priority', mapLookup(['ip saddr'], sets.blocks)),
  ],
  [
    'meta priority < 8000:0 meta priority set ip daddr . meta priority map @in_ports4',
    match('meta priority', '<', 0x8000_0000),
    setMeta('meta priority', mapLookup(['ip daddr', 'meta priority'], sets.rows)),
  ],
  [
    'meta priority set ip6 daddr . meta priority map @in_ports6',
    setMeta('meta priority', mapLookup(['ip6 daddr', 'meta priority'], sets.rows6)),
  ],
  [
    'update @deny_rate4 { ip daddr limit rate 10/second burst 20 packets } limit rate 1000/second',
    update(sets.rate, ['ip daddr'], { statement: limit(10, 'second', 20) }),
    limit(1000),
  ],
  [
    'update @deny_rate4 { ip saddr timeout 5s }',
    update(sets.rate, ['ip saddr'], { timeoutMs: 5000 }),
  ],
  [
    'update @deny_rate4 { ip saddr counter }',
    update(sets.rate, ['ip saddr'], { statement: counter() }),
  ],
]

/** In chains of type nat only. */
export const natRules: typeof rules = [
  [
    'fib daddr type local dnat ip to meta l4proto . th dport map @hostport4',
    match('fib daddr type', '==', 'local'),
    dnat('ip', mapLookup(['meta l4proto', 'th dport'], sets.hostPorts)),
  ],
]

export const bridgeSets = {
  ports: set('ports', ['ifname', 'ether_addr']),
  addresses: set('addresses', ['ifname', 'ipv4_addr']),
}

/**
 * Of tables of the bridge family. Where the text does not say `meta protocol`, nft reads some protocols from the
 * frame itself, which comes to the same.
 */
export const bridgeRules: readonly (readonly [text: string, ...Statement[]])[] = [
  [
    'iifname . ether saddr != @ports drop',
    notInSet(['iifname', 'ether saddr'], bridgeSets.ports),
    drop,
  ],
  [
    'iifname . ip saddr @addresses return',
    inSet(['iifname', 'ip saddr'], bridgeSets.addresses),
    returnVerdict,
  ],
  [
    'meta protocol arp iifname . arp saddr ether @ports iifname . arp saddr ip @addresses return',
    inSet(['iifname', 'arp saddr ether'], bridgeSets.ports),
    inSet(['iifname', 'arp saddr ip'], bridgeSets.addresses),
    returnVerdict,
  ],
  [
    'meta protocol ip6 icmpv6 type { 133, 135 } ip6 hoplimit 255 return',
    oneOf('icmpv6 type', ['nd-router-solicit', 'nd-neighbor-solicit']),
    match('ip6 hoplimit', '==', 255),
    returnVerdict,
  ],
  ['ip6 saddr :: drop', match('ip6 saddr', '==', 0n), drop],
  ['meta protocol arp drop', match('meta protocol', '==', 'arp'), drop],
]
