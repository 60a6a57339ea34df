import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay, setImmediate } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { addressToBytes } from '../../src/netlink/address-bytes.ts'
import { NETLINK_NETFILTER } from '../../src/netlink/constants.ts'
import { type NetlinkSocket, openNetlink } from '../../src/netlink/socket.ts'
import { listCounters } from '../../src/nftables/list.ts'
import type { Address } from '../../src/policy/address.ts'

export interface Flow {
  readonly from: Address
  readonly to: Address
  readonly port: number
  /** What policy says of it all the time. */
  readonly verdict: 'allowed' | 'denied'
}

export interface FloodData {
  readonly netns: string
  /** Index of the link that leads to the node. */
  readonly link: number
  readonly frames: readonly Uint8Array[]
  /** Two 32-bit numbers: not 0 once it is to stop, and how many bursts have gone through. */
  readonly shared: SharedArrayBuffer
}

/** Packets that met the policy program, and those of them that passed it. */
export interface Tally {
  readonly packetsPerSecond: number
  readonly allowed: { readonly met: bigint; readonly passed: bigint }
  readonly denied: { readonly met: bigint; readonly passed: bigint }
}

/** A node that forwards what comes from `wire`, without tracking it, so that every packet is judged anew. */
export interface FloodedNode {
  readonly netns: string
  readonly wire: string
  readonly socket: NetlinkSocket
  /** Sends packets of all flows, as fast as it goes, for as long as the work takes. */
  readonly flood: (flows: readonly Flow[], work: () => Promise<void>) => Promise<Tally>
  /**
   * Resolves once every packet of a flood has its verdict that was on its way: a burst is sent, forwarded and judged
   * on one processor, in one go. Takes a fraction of a millisecond, where a grace period takes 5 to 25.
   */
  readonly outlivePackets: () => Promise<void>
  readonly close: () => void
}

/** Places of `FloodData.shared`. */
export const STOP = 0
export const BURSTS = 1

/** Source ports, by which the counters tell the two kinds of flows apart. */
const SOURCE_PORTS = { allowed: 1, denied: 2 } as const

/**
 * Counts before the policy program and behind it, so that nothing but its verdicts can make a difference: not
 * full queues, not receivers.
 */
const COUNTING = `table inet counting {
  counter met_allowed {}
  counter met_denied {}
  counter passed_allowed {}
  counter passed_denied {}
  chain untracked { type filter hook prerouting priority raw; notrack; }
  chain met {
    type filter hook forward priority -10;
    udp sport ${SOURCE_PORTS.allowed} counter name met_allowed
    udp sport ${SOURCE_PORTS.denied} counter name met_denied
  }
  chain passed {
    type filter hook forward priority 10;
    udp sport ${SOURCE_PORTS.allowed} counter name passed_allowed
    udp sport ${SOURCE_PORTS.denied} counter name passed_denied
  }
}`
const COUNTING_TABLE = { family: 'inet', table: 'counting' } as const
const NODE_MAC = [2, 0, 0, 0, 0, 1]

/** Whatever is forwarded ends where nobody wants it, unless there is a better route. */
const setUp = (wire: string): string => `
  sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
  sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
  ip link add in type veth peer name w0 netns ${wire}
  ip link add out type veth peer name w1 netns ${wire}
  ip link set in address ${NODE_MAC.map((byte) => byte.toString(16)).join(':')} up
  ip link set out arp off up
  ip route add default dev out
  ip -6 route add default dev out
  ip -n ${wire} link set w0 up
  ip -n ${wire} link set w1 up
`

export function openFloodedNode(title: string): FloodedNode {
  const names = ['n', 'w'].map((side) => `slcfl-${title}-${side}-${process.pid}`)
  const [node = '', wire = ''] = names
  const run = (netns: string, command: readonly string[], input = ''): string =>
    execFileSync('ip', ['netns', 'exec', netns, ...command], { encoding: 'utf8', input })
  const close = (): void => {
    for (const name of names) execFileSync('ip', ['netns', 'delete', name])
  }
  for (const name of names) execFileSync('ip', ['netns', 'add', name])
  try {
    run(node, ['sh', '-ec', setUp(wire)])
    run(node, ['nft', '-f', '-'], COUNTING)
    const shared = new SharedArrayBuffer(8)
    const link = Number(run(wire, ['cat', '/sys/class/net/w0/ifindex']))
    const socket = openNetlink(NETLINK_NETFILTER, { netns: `/run/netns/${node}` })
    return {
      netns: `/run/netns/${node}`,
      wire: `/run/netns/${wire}`,
      socket,
      flood: async (flows, work) => {
        run(node, ['nft', 'reset', 'counters', 'table', 'inet', 'counting'])
        const began = performance.now()
        const frames = flows.map(frameOf)
        await whileSending({ netns: `/run/netns/${wire}`, link, frames, shared }, work)
        return tallyOf(await settledCounters(socket), performance.now() - began)
      },
      outlivePackets: () => outliveBursts(new Int32Array(shared)),
      close: () => {
        socket.close()
        close()
      },
    }
  } catch (error) {
    close()
    throw error
  }
}

async function whileSending(workerData: FloodData, work: () => Promise<void>): Promise<void> {
  const shared = new Int32Array(workerData.shared)
  Atomics.store(shared, STOP, 0)
  const worker = new Worker(new URL('./flood-worker.ts', import.meta.url), { workerData })
  const ended = once(worker, 'exit')
  try {
    await once(worker, 'message')
    await work()
  } finally {
    Atomics.store(shared, STOP, 1)
    await ended
  }
}

/** The burst that was under way is through when the next one is. */
async function outliveBursts(shared: Int32Array): Promise<void> {
  const before = Atomics.load(shared, BURSTS)
  while (Atomics.load(shared, STOP) === 0 && Atomics.load(shared, BURSTS) - before < 2) {
    await setImmediate()
  }
}

/** The counters once the last packets are through. */
async function settledCounters(socket: NetlinkSocket): Promise<Map<string, bigint>> {
  const read = (): Map<string, bigint> =>
    new Map(listCounters(socket, COUNTING_TABLE).map((one) => [one.counter, one.packets]))
  let counters = read()
  for (;;) {
    await delay(10)
    const later = read()
    if ([...later].every(([name, packets]) => counters.get(name) === packets)) return later
    counters = later
  }
}

function tallyOf(counters: ReadonlyMap<string, bigint>, ms: number): Tally {
  const kind = (verdict: Flow['verdict']): Tally['allowed'] => ({
    met: counters.get(`met_${verdict}`) ?? 0n,
    passed: counters.get(`passed_${verdict}`) ?? 0n,
  })
  const [allowed, denied] = [kind('allowed'), kind('denied')]
  const packetsPerSecond = Math.round((Number(allowed.met + denied.met) / ms) * 1000)
  return { packetsPerSecond, allowed, denied }
}

/** An Ethernet frame with a UDP datagram of 8 bytes, without the checksum that nobody on the way looks at. */
function frameOf({ from, to, port, verdict }: Flow): Uint8Array {
  const udp = Buffer.alloc(16)
  udp.writeUInt16BE(SOURCE_PORTS[verdict], 0)
  udp.writeUInt16BE(port, 2)
  udp.writeUInt16BE(udp.length, 4)
  const isIp4 = typeof from === 'number'
  const header = isIp4 ? header4(udp.length) : header6(udp.length)
  const ends = Buffer.concat([addressToBytes(from), addressToBytes(to)])
  ends.copy(header, header.length - ends.length)
  if (isIp4) header.writeUInt16BE(checksum(header), 10)
  const ethernet = Buffer.from([...NODE_MAC, 2, 0, 0, 0, 0, 2, ...(isIp4 ? [8, 0] : [0x86, 0xdd])])
  return Buffer.concat([ethernet, header, udp])
}

const IPPROTO_UDP = 17

function header4(payloadBytes: number): Buffer {
  const header = Buffer.alloc(20)
  header.writeUInt16BE(0x4500, 0)
  header.writeUInt16BE(header.length + payloadBytes, 2)
  header.set([64, IPPROTO_UDP], 8)
  return header
}

function header6(payloadBytes: number): Buffer {
  const header = Buffer.alloc(40)
  header[0] = 0x60
  header.writeUInt16BE(payloadBytes, 4)
  header.set([IPPROTO_UDP, 64], 6)
  return header
}

function checksum(header: Buffer): number {
  let sum = 0
  for (let at = 0; at < header.length; at += 2) sum += header.readUInt16BE(at)
  sum = (sum & 0xffff) + (sum >>> 16)
  return ~(sum + (sum >>> 16)) & 0xffff
}
