import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Place } from '../../src/lab/place.ts'
import type { Outcome, ProbeProtocol } from '../../src/lab/place-messages.ts'
import { attachmentIdOf } from '../../src/pods/attachment.ts'
import { type Address, type Family, formatAddress } from '../../src/policy/address.ts'
import { address } from '../policy/literals.ts'
import { openDatagrams } from './datagrams.ts'
import { icmpType, watchFrames } from './frames.ts'
import { connectionsOf, nft, run } from './node-kernel.ts'
import { apps, ofFamily, policy, SmallCluster } from './small-cluster.ts'
import { TcpPlace } from './tcp-place.ts'
import { until } from './until.ts'

/** What no policy forbids, however much it isolates: the node's own packets, replies, errors, a pod itself. */
const cluster = new SmallCluster(2)
const FAMILIES = [4, 6] as const
const PROTOCOLS = ['TCP', 'UDP', 'ICMP'] as const
const PORT = 5000
const TALKING = 5001
const CLOSED = 5999
/** A denied probe is one that gets no answer in this time. */
const PATIENCE_MS = 300

const SERVICE: Record<Family, Address> = { 4: address('10.96.0.10'), 6: address('fd00:96::10') }
const isolated = (name: string, ...directions: readonly string[]) =>
  policy(name, name, { policyTypes: directions })

const places = new Map<string, Place>()
let talkers: { pod: TcpPlace; node: TcpPlace }

beforeAll(async () => {
  await cluster.start()
  await cluster.add({ name: 'shut' }, { name: 'mute' }, { name: 'open' }, { name: 'far', on: 1 })
  await cluster.enforce(isolated('shut', 'Ingress', 'Egress'), isolated('mute', 'Egress'))
  for (const name of ['shut', 'mute', 'open', 'far']) {
    places.set(name, new Place({ name, netns: cluster.pod(name).netns }))
  }
  places.set('node', new Place({ name: 'node', netns: cluster.node.netns }))
  for (const name of ['shut', 'node']) await place(name).listen(FAMILIES.flatMap(servicesOf(name)))
  talkers = {
    pod: new TcpPlace(cluster.pod('shut').netns),
    node: new TcpPlace(cluster.node.netns),
  }
})

afterAll(async () => {
  await Promise.all([...places.values(), ...Object.values(talkers ?? {})].map((one) => one.close()))
  await cluster.stop()
})

describe.each(FAMILIES)('IPv%i', (family) => {
  test.each(PROTOCOLS)('%s from the node to its isolated pod works', async (protocol) => {
    expect(await knock('node', 'shut', family, protocol)).toMatchObject({ kind: 'answered' })
  })

  test('and is not cut when policy changes', async () => {
    await talkers.pod.listen({ address: of('shut', family), port: TALKING }, true)
    const to = { address: of('shut', family), port: TALKING }
    await talkers.node.connect(of('node', family), to, true)
    const probe = openDatagrams(cluster.node.netns, { address: of('node', family), port: 6000 })
    probe.send({ address: of('shut', family), port: PORT })
    await until('the probe is answered', () => probe.arrived() === 1)
    const heard = async (): Promise<number> =>
      (await talkers.node.ends()).at(-1)?.received ?? Number.NaN
    const tracked = (): number =>
      connectionsOf(cluster.node.netns).filter(({ original }) => {
        return original.src === of('node', family) && [TALKING, PORT].includes(original.dport)
      }).length
    const before = tracked()
    // A verdict of the pod changes, and then the classes of all.
    await cluster.enforce(
      policy('shut', 'shut', {
        policyTypes: ['Ingress', 'Egress'],
        ingress: [{ from: apps('open') }],
      }),
      isolated('mute', 'Egress'),
    )
    await cluster.enforce(isolated('shut', 'Ingress', 'Egress'), isolated('mute', 'Egress'))
    const then = await heard()
    // A byte every 5 ms: more than enough for the second look at connections, 50 ms after the commit.
    await until('bytes flow', async () => (await heard()) > then + 30)
    expect((await talkers.node.ends()).at(-1)?.end).toBeUndefined()
    expect(tracked()).toBe(before)
    probe.close()
  })

  test.each(PROTOCOLS)('%s of a pod to its own node is policy', async (protocol) => {
    expect(await knock('open', 'node', family, protocol)).toMatchObject({ kind: 'answered' })
    expect(await knock('mute', 'node', family, protocol)).toMatchObject({ kind: 'unanswered' })
    expect(await knock('shut', 'node', family, protocol)).toMatchObject({ kind: 'unanswered' })
  })

  test('an error about what was allowed comes back to an isolated pod', async () => {
    await cluster.enforce(isolated('shut', 'Ingress'), isolated('far', 'Egress'))
    expect(await knock('shut', 'far', family, 'UDP', CLOSED)).toEqual({
      kind: 'unanswered',
      detail: 'refused with ECONNREFUSED',
    })
  })

  test('so does one that a packet is too large', async () => {
    await cluster.enforce(isolated('shut', 'Ingress'))
    const far = cluster.pod('far')
    const link = attachmentIdOf({ containerId: far.sandbox.containerId, ifName: 'eth0' })
    const seen = watchFrames(cluster.pod('shut').netns)
    const sender = openDatagrams(cluster.pod('shut').netns, {
      address: of('shut', family),
      port: 6001,
    })
    run(far.node.netns, 'ip', 'link', 'set', link, 'mtu', '1300')
    try {
      sender.send({ address: of('far', family), port: CLOSED }, 1400)
      // Fragmentation needed (RFC 792) and packet too big (RFC 4443).
      await until('the error arrives', () =>
        seen.packets().some((packet) => icmpType(packet) === (family === 4 ? 3 : 2)),
      )
    } finally {
      run(far.node.netns, 'ip', 'link', 'set', link, 'mtu', '1500')
      for (const one of [seen, sender]) one.close()
    }
  })

  test.each(['TCP', 'UDP'] as const)('%s of an isolated pod to itself', async (protocol) => {
    await cluster.enforce(isolated('shut', 'Ingress', 'Egress'))
    const [pod, service] = [formatAddress(of('shut', family)), formatAddress(SERVICE[family])]
    const ip = family === 4 ? 'ip' : 'ip6'
    nft(
      cluster.node.netns,
      `table ${ip} services {
        chain translate {
          type nat hook prerouting priority dstnat
          ${ip} daddr ${service} dnat to ${pod}
        }
        chain hairpin {
          type nat hook postrouting priority srcnat
          ct status dnat ${ip} saddr ${pod} ${ip} daddr ${pod} masquerade
        }
      }`,
    )
    try {
      const outcome = await place('shut').knock({
        protocol,
        from: pod,
        to: service,
        port: PORT,
        timeoutMs: PATIENCE_MS,
      })
      expect(outcome).toEqual({ kind: 'answered', by: 'shut' })
    } finally {
      nft(cluster.node.netns, `delete table ${ip} services`)
    }
  })
})

function knock(
  from: string,
  to: string,
  family: Family,
  protocol: ProbeProtocol,
  port = PORT,
): Promise<Outcome> {
  return place(from).knock({
    protocol,
    from: formatAddress(of(from, family)),
    to: formatAddress(of(to, family)),
    port: protocol === 'ICMP' ? undefined : port,
    timeoutMs: PATIENCE_MS,
  })
}

function servicesOf(name: string) {
  return (family: Family) =>
    (['TCP', 'UDP'] as const).map((protocol) => {
      return { protocol, port: PORT, address: formatAddress(of(name, family)) }
    })
}

function place(name: string): Place {
  const found = places.get(name)
  if (found === undefined) throw new Error(`${name} has no thread.`)
  return found
}

/** Of a pod, or of the first node. */
function of(name: string, family: Family): Address {
  const addresses = name === 'node' ? cluster.node.addresses.own : cluster.pod(name).addresses
  return ofFamily(addresses, family)
}
