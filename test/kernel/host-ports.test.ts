import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Place } from '../../src/lab/place.ts'
import type { Outcome } from '../../src/lab/place-messages.ts'
import { attachmentIdOf } from '../../src/pods/attachment.ts'
import { type Address, type Family, formatAddress } from '../../src/policy/address.ts'
import { address } from '../policy/literals.ts'
import { openDatagrams } from './datagrams.ts'
import { HOST_MAC, openWire, udpPacket } from './frames.ts'
import { connectionsOf, counted, elementsOf, nft, run } from './node-kernel.ts'
import { apps, ofFamily, policy, SmallCluster } from './small-cluster.ts'
import { until } from './until.ts'

/** Ports of a node that lead to its pods: who reaches them, whom the pod and its policy see, and what remains. */
// The table sleeps for a moment in one test.
const cluster = new SmallCluster(2, { flags: ['--localhost-host-ports', '--guard', 'off'] })
const FAMILIES = [4, 6] as const
const PROTOCOLS = ['TCP', 'UDP'] as const
const HOST_PORT = 8080
const POD_PORT = 5000
const PATIENCE_MS = 300
const NUMBERS = { TCP: 6, UDP: 17 } as const
const LOCALHOST = { 4: address('127.0.0.1'), 6: address('::1') }
/** A second address of the node. */
const SECOND = { 4: address('172.18.0.99'), 6: address('fc00:f853:ccd:e793::99') }

const places = new Map<string, Place>()

beforeAll(async () => {
  await cluster.start()
  const { netns } = cluster.node
  for (const own of FAMILIES.map((family) => formatAddress(SECOND[family]))) {
    run(netns, 'ip', 'address', 'add', own, 'dev', 'eth0', ...(own.includes(':') ? ['nodad'] : []))
  }
  await cluster.add(
    { name: 'web', runtimeConfig: { portMappings: mappings(HOST_PORT, POD_PORT) } },
    { name: 'other' },
    { name: 'far', on: 1 },
  )
  for (const name of ['web', 'other', 'far']) open(name, cluster.pod(name).netns)
  open('node', netns)
  open('outside', cluster.outside)
  await listen('web', POD_PORT)
})

afterAll(async () => {
  await Promise.all([...places.values()].map((one) => one.close()))
  await cluster.stop()
})

describe.each(FAMILIES)('IPv%i', (family) => {
  describe.each(PROTOCOLS)('%s', (protocol) => {
    test.each(['outside', 'far', 'other', 'node'])(
      'the port is reached from %s, whose address the pod sees',
      async (client) => {
        await cluster.enforce()
        const node = of('node', family)
        expect(await knock(client, node, protocol)).toEqual(answeredBy('web'))
        expect(seenClients(protocol, family)).toContain(formatAddress(of(client, family)))
      },
    )

    test('on every address of the node', async () => {
      await cluster.enforce()
      expect(await knock('outside', SECOND[family], protocol)).toEqual(answeredBy('web'))
    })

    test('from the pod itself, which meets the node instead of itself', async () => {
      await cluster.enforce(policy('web', 'web', { policyTypes: ['Ingress', 'Egress'] }))
      expect(await knock('web', of('node', family), protocol)).toEqual(answeredBy('web'))
      expect(seenClients(protocol, family)).not.toContain(formatAddress(of('web', family)))
    })

    test('policy judges the client and the port of the pod', async () => {
      const node = of('node', family)
      const block = {
        ipBlock: { cidr: `${formatAddress(of('outside', family))}/${family === 4 ? 32 : 128}` },
      }
      await cluster.enforce(ingress([block], POD_PORT))
      expect(await knock('outside', node, protocol)).toEqual(answeredBy('web'))
      expect(await knock('other', node, protocol)).toMatchObject({ kind: 'unanswered' })
      expect(await knock('far', node, protocol)).toMatchObject({ kind: 'unanswered' })

      await cluster.enforce(ingress(apps('other', 'far'), POD_PORT))
      expect(await knock('outside', node, protocol)).toMatchObject({ kind: 'unanswered' })
      expect(await knock('other', node, protocol)).toEqual(answeredBy('web'))
      expect(await knock('far', node, protocol)).toEqual(answeredBy('web'))
      // Never policy.
      expect(await knock('node', node, protocol)).toEqual(answeredBy('web'))

      await cluster.enforce(ingress([block, ...apps('other')], HOST_PORT))
      for (const client of ['outside', 'other']) {
        expect(await knock(client, node, protocol)).toMatchObject({ kind: 'unanswered' })
      }
    })

    test('so does the egress of a client on the same node: it goes to the pod, not to the node', async () => {
      const egress = (...to: readonly string[]) =>
        policy('other', 'other', { policyTypes: ['Egress'], egress: [{ to: apps(...to) }] })
      await cluster.enforce(egress('far'))
      expect(await knock('other', of('node', family), protocol)).toMatchObject({
        kind: 'unanswered',
      })
      await cluster.enforce(egress('web'))
      expect(await knock('other', of('node', family), protocol)).toEqual(answeredBy('web'))
    })

    test('localhost of the node', async () => {
      await cluster.enforce(policy('web', 'web', { policyTypes: ['Ingress'] }))
      const outcome = await knock('node', LOCALHOST[family], protocol, HOST_PORT, LOCALHOST[family])
      // Linux has no route_localnet for IPv6: there the port of ::1 stays the node's own.
      const refused = { kind: 'unanswered', detail: 'refused with ECONNREFUSED' }
      expect(outcome).toEqual(family === 4 ? answeredBy('web') : refused)
    })

    test('a Service that has the port comes first', async () => {
      await cluster.enforce()
      const ip = family === 4 ? 'ip' : 'ip6'
      const [node, far] = [of('node', family), formatAddress(of('far', family))]
      await listen('far', POD_PORT)
      nft(
        cluster.node.netns,
        `table ${ip} services { chain translate {
          type nat hook prerouting priority dstnat
          ${ip} daddr ${formatAddress(node)} meta l4proto { tcp, udp } th dport ${HOST_PORT} dnat to ${family === 4 ? far : `[${far}]`}:${POD_PORT}
        }
        }`,
      )
      try {
        expect(await knock('other', node, protocol)).toEqual(answeredBy('far'))
      } finally {
        nft(cluster.node.netns, `delete table ${ip} services`)
      }
    })
  })

  test('of two mappings of a port, that of the address counts', async () => {
    await cluster.enforce()
    const portMappings = [
      ...mappings(8181, POD_PORT),
      ...mappings(8181, POD_PORT + 1, formatAddress(SECOND[family])),
    ]
    await cluster.add({ name: 'bound', runtimeConfig: { portMappings } })
    open('bound', cluster.pod('bound').netns)
    await listen('bound', POD_PORT + 1)
    try {
      for (const protocol of PROTOCOLS) {
        expect(await knock('outside', SECOND[family], protocol, 8181)).toEqual(answeredBy('bound'))
        const outcome = await knock('outside', of('node', family), protocol, 8181)
        expect(outcome).toMatchObject({ detail: 'refused with ECONNREFUSED' })
      }
    } finally {
      await places.get('bound')?.close()
      await cluster.remove('bound')
    }
    await until('nothing of it is left', () => {
      return elementsOf(cluster.node.netns, `host_ip_ports${family}`, 'map') === 0
    })
  })

  test('a flow of datagrams that came before the pod goes to it, and to its successor', async () => {
    await cluster.enforce()
    const node = { address: of('node', family), port: 9090 }
    const client = openDatagrams(cluster.outside, { address: of('outside', family), port: 4321 })
    const tracked = () =>
      connectionsOf(cluster.node.netns).filter(
        ({ original }) => original.dst === node.address && original.dport === node.port,
      )
    try {
      client.send(node)
      await until('the node tracks the flow', () => tracked().length === 1)
      expect(tracked()[0]?.reply.src).toBe(node.address)
      for (const name of ['first', 'second']) {
        await cluster.add({ name, runtimeConfig: { portMappings: mappings(9090, POD_PORT) } })
        const own = { address: of(name, family), port: POD_PORT }
        const server = openDatagrams(cluster.pod(name).netns, own)
        client.send(node)
        await until(`the datagram arrives at the ${name}`, () => server.arrived() === 1)
        server.close()
        await cluster.remove(name)
        await until('the flow is forgotten', () => tracked().length === 0)
      }
    } finally {
      client.close()
    }
  })
})

test('SCTP is mapped as well', async () => {
  const mapping = { hostPort: 7777, containerPort: 7000, protocol: 'sctp' }
  await cluster.add({ name: 'sctp', runtimeConfig: { portMappings: [mapping] } })
  const listed = run(cluster.node.netns, 'nft', 'list', 'map', 'inet', 'sluice', 'host_ports4')
  expect(listed).toContain(`sctp . 7777 : ${formatAddress(of('sctp', 4))} . 7000`)
  await cluster.remove('sctp')
  console.log('host ports: this kernel has no SCTP sockets, so no SCTP packet was sent')
})

test('a port that another pod has is refused, until that pod has gone', async () => {
  const rival = { runtimeConfig: { portMappings: mappings(HOST_PORT, POD_PORT) } }
  await cluster.declare({ name: 'rival', ...rival })
  await expect(cluster.attach('rival')).rejects.toThrow(
    "CNI ADD of shop/rival failed: Host port 8080/TCP that shop/rival (eth0) asks for is shop/web (eth0)'s on this node; give one of them another hostPort, or another node (code 105)",
  )
  // Another node is fine.
  await cluster.add({ name: 'rival-elsewhere', on: 1, ...rival })
  await cluster.remove('rival-elsewhere')
  const listed = (): number => elementsOf(cluster.node.netns, 'host_ports6', 'map')
  await cluster.detach('web')
  // At once: a pod that is replaced on its node must not wait for the ports that it still has.
  await cluster.attach('rival')
  await until('only its ports are there', () => listed() === 2)
  await cluster.detach('rival')
  await until('none is there', () => listed() === 0)
  await cluster.attach('web')
  await cluster.enforce()
  // At the addresses that it has now.
  await listen('web', POD_PORT)
  expect(await knock('outside', of('node', 4), 'TCP')).toEqual(answeredBy('web'))
})

test('an agent that is killed leaves the ports, and its successor takes them over', async () => {
  const { node } = cluster
  await cluster.killAgent(node)
  expect(await knock('outside', of('node', 4), 'UDP')).toEqual(answeredBy('web'))
  await cluster.startAgent(node)
  expect(await knock('outside', of('node', 6), 'TCP')).toEqual(answeredBy('web'))
  const ready = (await cluster.log(node)).filter(({ event }) => event === 'agent.ready')
  expect(ready.at(-1)).toMatchObject({ table: 'adopted' })
  expect(elementsOf(node.netns, 'host_ports4', 'map')).toBe(2)
})

test('a pod gets no nearer to the localhost of the node by having ports there', async () => {
  const { netns } = cluster.node
  const linkOf = (name: string): string =>
    attachmentIdOf({ containerId: cluster.pod(name).sandbox.containerId, ifName: 'eth0' })
  const setting = (name: string): string =>
    run(netns, 'sysctl', '-n', `net.ipv4.conf.${linkOf(name)}.route_localnet`).trim()
  expect([setting('web'), setting('other')]).toEqual(['1', '0'])
  expect(run(netns, 'sysctl', '-n', 'net.ipv4.conf.all.route_localnet').trim()).toBe('0')

  const service = openDatagrams(netns, { address: LOCALHOST[4], port: 6000 })
  const wire = openWire(cluster.pod('web').netns, 'eth0', HOST_MAC)
  const spoofed = counted(netns, 'spoofed')
  try {
    for (const port of [6000, HOST_PORT]) {
      wire.send(udpPacket({ from: of('web', 4), to: LOCALHOST[4] }, 4000, port))
    }
    await until('both are dropped', () => counted(netns, 'spoofed') === spoofed + 2)
    expect(service.arrived()).toBe(0)
    // It would have: without the table, the kernel delivers the very same packet.
    nft(netns, 'add table inet sluice { flags dormant; }')
    wire.send(udpPacket({ from: of('web', 4), to: LOCALHOST[4] }, 4000, 6000))
    await until('the datagram arrives', () => service.arrived() === 1)
  } finally {
    nft(netns, 'add table inet sluice')
    wire.close()
    service.close()
  }
})

function knock(
  from: string,
  to: Address,
  protocol: 'TCP' | 'UDP',
  port = HOST_PORT,
  source = of(from, typeof to === 'number' ? 4 : 6),
): Promise<Outcome> {
  return place(from).knock({
    protocol,
    from: formatAddress(source),
    to: formatAddress(to),
    port,
    timeoutMs: PATIENCE_MS,
  })
}

/** As the pod sees them: where its answers go. */
function seenClients(protocol: 'TCP' | 'UDP', family: Family): string[] {
  const web = of('web', family)
  return connectionsOf(cluster.node.netns)
    .filter(({ protocol: number, reply }) => number === NUMBERS[protocol] && reply.src === web)
    .filter(({ reply }) => reply.sport === POD_PORT)
    .map(({ reply }) => formatAddress(reply.dst))
}

function ingress(from: readonly object[], port: number): object {
  const ports = PROTOCOLS.map((protocol) => ({ protocol, port }))
  return policy('web', 'web', { policyTypes: ['Ingress'], ingress: [{ from, ports }] })
}

/** As containerd writes them. */
function mappings(hostPort: number, containerPort: number, hostIP = ''): object[] {
  return ['tcp', 'udp'].map((protocol) => ({ hostPort, containerPort, protocol, hostIP }))
}

function open(name: string, netns: string): void {
  places.set(name, new Place({ name, netns }))
}

function listen(name: string, port: number): Promise<void> {
  const services = FAMILIES.flatMap((family) =>
    PROTOCOLS.map((protocol) => ({ protocol, port, address: formatAddress(of(name, family)) })),
  )
  return place(name).listen(services)
}

function answeredBy(by: string): Outcome {
  return { kind: 'answered', by }
}

function place(name: string): Place {
  const found = places.get(name)
  if (found === undefined) throw new Error(`${name} has no thread.`)
  return found
}

function of(name: string, family: Family): Address {
  if (name === 'outside') return cluster.outsideAddress(family)
  const addresses = name === 'node' ? cluster.node.addresses.own : cluster.pod(name).addresses
  return ofFamily(addresses, family)
}
