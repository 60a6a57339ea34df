import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { attach } from '../../src/lab/shim.ts'
import { vtepMac } from '../../src/pods/nodes/vtep-mac.ts'
import { type Address, familyOf, formatAddress } from '../../src/policy/address.ts'
import { SLUICE } from '../built-sluice.ts'
import {
  namespace,
  NAMESPACES,
  NODES,
  node,
  PODS,
  POLICIES,
} from '../cluster/kubernetes/objects.ts'
import { sluice } from '../cli/sluice.ts'
import { address } from '../policy/literals.ts'
import { ApiPlace } from './api-place.ts'
import { openDatagrams } from './datagrams.ts'
import { leftoversOf, linesOf, routesOf } from './node-paths.ts'
import { writeFrame } from './tagged-packets.ts'
import { TcpPlace } from './tcp-place.ts'
import { openThreeNodes, type TestNode, type ThreeNodes } from './three-nodes.ts'
import { until } from './until.ts'

/**
 * Agents on three nodes follow one API server. The pods' namespaces are those of the nodes: `server` on c, where
 * only `client` may reach it, `client` on a, `other` on b.
 */
const [NODE, MAIN] = SLUICE
const ROOT = join(import.meta.dirname, '..', '..')
const SHIM = join(ROOT, 'native', 'build', 'sluice-cni')

let base: string
let nodes: ThreeNodes
let api: ApiPlace
const agents: ChildProcess[] = []
const addresses = new Map<string, readonly Address[]>()

beforeAll(async () => {
  base = mkdtempSync(join(tmpdir(), 'sluice-nodes-'))
  nodes = openThreeNodes('agents', 'bare')
  const router = { netns: `/run/netns/${nodes.router.netns}`, host: '172.18.1.254' }
  api = await ApiPlace.open(router)
  api.change({ kind: 'put', path: NAMESPACES, object: namespace('shop') })
  for (const one of [nodes.a, nodes.b, nodes.c]) tellNode(one)
  api.change({ kind: 'put', path: POLICIES, object: onlyClient })
  await Promise.all([
    startAgent(nodes.a, '--no-masquerade-to=203.0.113.0/24', '--no-masquerade-to=fd77::/16'),
    startAgent(nodes.b, '--no-masquerade'),
    startAgent(nodes.c),
  ])
  await addPod('client', nodes.a)
  await addPod('other', nodes.b)
  await addPod('server', nodes.c)
})
afterAll(async () => {
  for (const agent of agents) agent.kill('SIGKILL')
  await api?.close()
  nodes?.close()
  rmSync(base, { recursive: true, force: true })
})

const onlyClient = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { name: 'server', namespace: 'shop' },
  spec: {
    podSelector: { matchLabels: { app: 'server' } },
    policyTypes: ['Ingress'],
    ingress: [
      {
        from: [
          { podSelector: { matchLabels: { app: 'client' } } },
          // Node b's own.
          { ipBlock: { cidr: '172.18.1.2/32' } },
          { ipBlock: { cidr: 'fd18:1::2/128' } },
        ],
      },
    ],
  },
}

function tellNode({ facts }: TestNode, own: readonly Address[] = facts.addresses): void {
  const ranges = facts.podCidrs.map(({ first, prefix }) => `${formatAddress(first)}/${prefix}`)
  const object = node(facts.name, own.map(formatAddress), ranges)
  api.change({ kind: 'put', path: NODES, object })
}

function runDir({ facts }: TestNode): string {
  return join(base, facts.name)
}

/** Resolves when it is ready. */
async function startAgent(one: TestNode, ...flags: readonly string[]): Promise<void> {
  mkdirSync(runDir(one), { recursive: true })
  const [kubeconfig, ready] = [join(base, 'kubeconfig'), join(runDir(one), 'ready.conflist')]
  writeFileSync(kubeconfig, kubeconfigFor(api.url))
  const agent = spawn(
    NODE,
    [
      MAIN,
      'agent',
      `--node=${one.facts.name}`,
      `--kubeconfig=${kubeconfig}`,
      `--netns=/run/netns/${one.netns}`,
      `--run-dir=${runDir(one)}`,
      `--cni-config=${ready}`,
      // So that nobody waits for what is denied.
      '--deny=reject',
      ...flags,
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  )
  agents.push(agent)
  await until(`${one.facts.name} is ready`, () => existsSync(ready))
}

function kubeconfigFor(server: string): string {
  return JSON.stringify({
    'current-context': 'test',
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    clusters: [{ name: 'test', cluster: { server } }],
    users: [{ name: 'test', user: {} }],
  })
}

async function addPod(name: string, { facts, podNetns, ...one }: TestNode): Promise<void> {
  const netns = `/run/netns/${podNetns}`
  const pod = (podIPs: readonly { ip: string }[]) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'shop', uid: name, labels: { app: name } },
    spec: { nodeName: facts.name, containers: [{ name: 'main', image: 'main' }] },
    status: { phase: 'Running', podIP: podIPs[0]?.ip, podIPs },
  })
  api.change({ kind: 'put', path: PODS, object: pod([]) })
  const sandbox = { containerId: name, netns, namespace: 'shop', name, uid: name }
  const got = await attach({ program: SHIM, runDir: runDir({ facts, podNetns, ...one }) }, sandbox)
  addresses.set(name, got)
  api.change({ kind: 'put', path: PODS, object: pod(got.map((ip) => ({ ip: formatAddress(ip) }))) })
}

function addressesOf(pod: string): readonly Address[] {
  return addresses.get(pod) ?? []
}

/** RFC 7348 section 5: the flag for a valid VNI, and the VNI. */
const VXLAN_HEADER = Uint8Array.of(0x08, 0, 0, 0, 0, 0x10, 0, 0)

const ANY = { 4: address('0.0.0.0'), 6: address('::') }

/** Whether the server, at each of its addresses, can be reached from a namespace. */
async function reaches(from: string, port: number): Promise<boolean[]> {
  const client = new TcpPlace(`/run/netns/${from}`)
  try {
    const found: boolean[] = []
    for (const server of addressesOf('server')) {
      const to = { address: server, port }
      const tried = client.connect(ANY[familyOf(server)], to, false)
      found.push(
        await tried.then(
          () => true,
          () => false,
        ),
      )
    }
    return found
  } finally {
    await client.close()
  }
}

async function problemsOf(one: TestNode): Promise<unknown> {
  const asked = request({ socketPath: join(runDir(one), 'agent.sock'), path: '/status' }).end()
  const [response] = await once(asked, 'response')
  const status: { sourceProblems?: unknown } = JSON.parse(await text(response))
  return status.sourceProblems
}

describe('agents of three nodes', () => {
  test('policy holds through the tunnel: pods by labels, nodes by their addresses', async () => {
    const listener = new TcpPlace(`/run/netns/${nodes.c.podNetns}`)
    try {
      for (const own of addressesOf('server'))
        await listener.listen({ address: own, port: 80 }, false)
      await until('the client is known on c', async () =>
        (await reaches(nodes.a.podNetns, 80)).every(Boolean),
      )
      expect(await reaches(nodes.b.netns, 80)).toEqual([true, true])
      expect(await reaches(nodes.b.podNetns, 80)).toEqual([false, false])
      expect(await reaches(nodes.a.netns, 80)).toEqual([false, false])
      expect(nodes.router.run('nft list counter inet strict pods')).toContain('packets 0 ')
    } finally {
      await listener.close()
    }
  })

  test('each tells which generation of a policy its kernel enforces', async () => {
    const metadata = { ...onlyClient.metadata, uid: 'uid-server', generation: 7 }
    api.change({ kind: 'put', path: POLICIES, object: { ...onlyClient, metadata } })
    for (const one of [nodes.a, nodes.c]) {
      const place = ['--run-dir', runDir(one)]
      const asked = ['wait', '--policy', 'shop/server', ...place]
      expect(await sluice(...asked, '--version', '7')).toEqual({ code: 0, out: '', err: '' })
      // The same by asking the API server.
      expect(await sluice(...asked)).toEqual({ code: 0, out: '', err: '' })
      const { out } = await sluice('policies', '-n', 'shop', '-o', 'json', ...place)
      const version = { uid: 'uid-server', generation: 7 }
      expect(JSON.parse(out)).toMatchObject([
        { name: 'server', state: 'live', pods: one === nodes.c ? 1 : 0, live: { version } },
      ])
    }
    const place = ['--run-dir', runDir(nodes.a)]
    expect(await sluice('wait', '--policy', 'shop/other', ...place)).toMatchObject({
      code: 1,
      err: 'sluice: shop/other: the source has no such policy.\n',
    })
  })

  test('only nodes can put packets into a tunnel', async () => {
    const [client = address('::')] = addressesOf('client')
    const [server = address('::')] = addressesOf('server')
    const [end] = nodes.c.addresses
    const receiver = openDatagrams(`/run/netns/${nodes.c.podNetns}`, { address: server, port: 9 })
    // As the client would send it, which the server's policy allows.
    const inner = { from: client, to: server, protocol: 'UDP', port: 9 } as const
    const forged = Buffer.concat([VXLAN_HEADER, writeFrame(inner, 0, vtepMac('node-c'))])
    const send = (netns: string, own: Address): void => {
      const sender = openDatagrams(`/run/netns/${netns}`, { address: own, port: 4321 })
      for (let i = 0; i < 3; i++) sender.send({ address: end, port: 4789 }, forged)
      sender.close()
    }
    const spoofed = (): number => {
      const listed = nodes.c.run('nft list counter inet sluice spoofed')
      return Number(/packets (\d+)/.exec(listed)?.[1])
    }
    try {
      send(nodes.router.netns, address('172.18.2.254'))
      await until('those of a stranger are dropped', () => spoofed() === 3)
      send(nodes.b.podNetns, addressesOf('other')[0] ?? end)
      await until('those of a pod are dropped', () => spoofed() === 6)
      expect(receiver.arrived()).toBe(0)
      send(nodes.a.netns, nodes.a.addresses[0])
      await until('those of a node arrive', () => receiver.arrived() > 0)
    } finally {
      receiver.close()
    }
  })

  test('pods have an MTU that leaves room for the tunnel', () => {
    const link = execFileSync('ip', ['-n', nodes.a.podNetns, 'link', 'show', 'eth0'], {
      encoding: 'utf8',
    })
    expect(link).toContain('mtu 1450')
  })

  test('what is masqueraded is what the flags of each say', () => {
    const elements = ({ run }: TestNode, set: string): string => {
      const listed = run(`nft list set inet sluice ${set}`)
      return /elements = \{([^}]*)\}/.exec(listed)?.[1]?.trim() ?? ''
    }
    expect(elements(nodes.a, 'pod_ranges4')).toBe('10.244.1.0/24')
    expect(elements(nodes.a, 'cluster_ranges4')).toContain('203.0.113.0/24')
    expect(elements(nodes.a, 'cluster_ranges6')).toContain('fd77::/16')
    expect(elements(nodes.b, 'cluster_ranges4')).toBe('0.0.0.0/0')
    expect(elements(nodes.c, 'pod_ranges6')).toBe('fd10:3::/64')
    expect(elements(nodes.c, 'cluster_ranges4')).not.toContain('203.0.113.0/24')
    expect(elements(nodes.c, 'cluster_ranges4')).toContain('10.244.1.0/24')
  })

  test('a path that somebody takes away comes back', async () => {
    const before = routesOf(nodes.a)
    nodes.a.run('ip route del 10.244.3.0/24; ip -6 route del fd10:2::/64')
    expect(routesOf(nodes.a)).toHaveLength(before.length - 2)
    await until('both are back', () => routesOf(nodes.a).length === before.length)
    expect(routesOf(nodes.a)).toEqual(before)
  })

  test('a route of somebody else is told, and ours comes when it goes', async () => {
    nodes.a.run('ip route replace 10.244.3.0/24 via 172.18.1.254 proto static')
    await until('it is told', async () =>
      JSON.stringify(await problemsOf(nodes.a)).includes('node-c'),
    )
    expect(nodes.a.run('ip route show 10.244.3.0/24')).toContain('via 172.18.1.254')
    nodes.a.run('ip route del 10.244.3.0/24')
    await until('ours is back', () => routesOf(nodes.a).join().includes('10.244.3.0/24'))
    await until('all is well', async () => JSON.stringify(await problemsOf(nodes.a)) === '[]')
  })

  test('a link to a node is found as it comes and left as it goes', async () => {
    nodes.a.run('ip address add 172.18.2.77/24 dev eth0')
    await until('it is direct', () =>
      routesOf(nodes.a).join().includes('10.244.3.0/24 via 172.18.2.3'),
    )
    nodes.a.run('ip address del 172.18.2.77/24 dev eth0')
    await until('it is not', () =>
      routesOf(nodes.a).join().includes('10.244.3.0/24 via 10.244.3.0'),
    )
  })

  test('paths come back with the link', async () => {
    const before = routesOf(nodes.b)
    nodes.b.run('ip link set eth0 down')
    await until('they are away', () => !routesOf(nodes.b).join().includes('eth0'))
    nodes.b.run(`
      ip link set eth0 up
      ip address replace fd18:1::2/64 dev eth0 nodad
      ip route replace default via 172.18.1.254
      ip -6 route replace default via fd18:1::254`)
    await until('they are back', () => routesOf(nodes.b).length === before.length)
    expect(routesOf(nodes.b)).toEqual(before)
  })

  test('a node that gets another address is reached there', async () => {
    tellNode(nodes.c, ['172.18.7.7', 'fd18:7::7'].map(address))
    const fdb = (): string => nodes.a.run('bridge fdb show dev sluice-vxlan')
    await until('the tunnel has another end', () => fdb().includes('dst 172.18.7.7'))
    expect(linesOf(fdb())).toHaveLength(1)
    tellNode(nodes.c)
    await until('it is back', () => fdb().includes('dst 172.18.2.3'))
  })

  test('nothing is left of a node that has gone, and nothing at all after a clean-up', async () => {
    api.change({ kind: 'delete', path: NODES, name: 'node-c' })
    await until('the tunnel is gone', () => !nodes.a.run('ip link').includes('sluice-vxlan'))
    expect(routesOf(nodes.a)).toHaveLength(2)
    tellNode(nodes.c)
    await until('it is back', () => routesOf(nodes.a).length === 4)
    agents[0]?.kill('SIGKILL')
    const config = join(runDir(nodes.a), 'ready.conflist')
    const flags = [`--netns=/run/netns/${nodes.a.netns}`, `--run-dir=${runDir(nodes.a)}`]
    const command = [MAIN, 'cleanup', `--cni-config=${config}`, ...flags]
    const words = execFileSync(NODE, command, { encoding: 'utf8' })
    expect(words).toContain('removed interface sluice-vxlan\n')
    expect(leftoversOf(nodes.a)).toEqual([])
  })
})
