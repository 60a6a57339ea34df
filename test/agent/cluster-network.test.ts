import { describe, expect, test } from 'vitest'
import {
  ClusterNetwork,
  clusterRanges,
  type NetworkOptions,
} from '../../src/agent/cluster-network.ts'
import { createLog } from '../../src/agent/log.ts'
import type { ClusterNode } from '../../src/agent/source.ts'
import { Dataplane } from '../../src/dataplane/dataplane.ts'
import { emptyKernelState } from '../../src/dataplane/kernel-state.ts'
import type { NodeFacts } from '../../src/pods/nodes/node-facts.ts'
import { formatAddress } from '../../src/policy/address.ts'
import { address, cidr } from '../policy/literals.ts'

const OPTIONS: NetworkOptions = {
  node: 'a',
  podCidrs: [],
  nodeAddresses: [],
  overlay: 'auto',
  masquerade: true,
  unmasqueraded: [],
}

const clusterNode = (podCidr: string, own: string): ClusterNode => {
  return { podCidrs: [cidr(podCidr)], addresses: [address(own)] }
}
const a = clusterNode('10.1.0.0/24', '192.168.0.1')
const b = clusterNode('10.2.0.0/24', '192.168.0.2')
const c = clusterNode('10.3.0.0/24', '192.168.0.3')

/** Around a kernel that only notes who was to be connected. */
function scene(options: Partial<NetworkOptions> = {}) {
  const nodes = new Map([
    ['a', a],
    ['b', b],
  ])
  const connected: { own: NodeFacts; remotes: string[] }[] = []
  const logged: string[] = []
  const timers: { callback: () => void; delayMs: number }[] = []
  const kernel = { answer: (): readonly string[] | Promise<readonly string[]> => [] }
  const parts = {
    commit: () => {},
    read: () => Promise.resolve(emptyKernelState()),
    gracePeriod: () => Promise.resolve(),
    yieldToOthers: () => Promise.resolve(),
  }
  const dataplane = new Dataplane(parts, emptyKernelState())
  const enforcer = { isInForce: true }
  const log = createLog('a', {
    write: (line) => {
      const { msg }: { msg: string } = JSON.parse(line)
      logged.push(msg)
    },
  })
  const network = new ClusterNetwork(
    { ...OPTIONS, ...options },
    {
      enforcer: { alter: async (change) => (enforcer.isInForce ? change(dataplane) : undefined) },
      kernel: {
        connectNodes: async (own, remotes) => {
          connected.push({ own, remotes: remotes.map(({ name }) => name) })
          return kernel.answer()
        },
      },
      nodes: () => nodes,
      log,
      setTimer: (callback, delayMs) => timers.push({ callback, delayMs }),
    },
  )
  return { nodes, connected, logged, timers, kernel, enforcer, network }
}

describe('paths to the nodes of the cluster', () => {
  test('lead from this node to the others', async () => {
    const { network, connected } = scene()
    await network.update()
    expect(connected).toEqual([{ own: { name: 'a', ...a }, remotes: ['b'] }])
  })

  test('wait until policy is in force', async () => {
    const { network, connected, enforcer } = scene()
    enforcer.isInForce = false
    await network.update()
    expect(connected).toEqual([])
  })

  test('begin where the options say, not the Node', async () => {
    const own = { podCidrs: [cidr('10.9.0.0/24')], nodeAddresses: [address('192.168.0.9')] }
    const { network, connected } = scene(own)
    await network.update()
    expect(connected[0]?.own).toEqual({
      name: 'a',
      podCidrs: own.podCidrs,
      addresses: own.nodeAddresses,
    })
  })

  test('stay while the own Node is away', async () => {
    const { network, connected, nodes } = scene()
    nodes.delete('a')
    await network.update()
    expect(connected).toEqual([])
  })

  test('of a source that speaks of no nodes lead nowhere', async () => {
    const { network, connected, nodes } = scene()
    nodes.clear()
    await network.update()
    expect(connected).toEqual([{ own: { name: 'a', podCidrs: [], addresses: [] }, remotes: [] }])
  })

  test('are set one after the other, and news meanwhile at once in the next', async () => {
    const { network, connected, nodes, kernel } = scene()
    const first = Promise.withResolvers<readonly string[]>()
    kernel.answer = () => first.promise
    const done = [network.update()]
    while (connected.length === 0) await Promise.resolve()
    nodes.set('c', c)
    done.push(network.update(), network.update(), network.update())
    expect(connected).toHaveLength(1)
    kernel.answer = () => []
    first.resolve([])
    await Promise.all(done)
    expect(connected.map(({ remotes }) => remotes)).toEqual([['b'], ['b', 'c']])
  })

  test('are looked at again soon after a swarm of changes in the kernel', async () => {
    const { network, connected, timers } = scene()
    for (let i = 0; i < 100; i++) network.check()
    expect(timers).toHaveLength(1)
    expect(timers[0]?.delayMs).toBeLessThan(1000)
    timers[0]?.callback()
    await network.update()
    expect(connected).toHaveLength(1)
    network.check()
    expect(timers).toHaveLength(2)
  })
})

describe('what cannot be had', () => {
  test('is told once while it lasts, and again when it comes back', async () => {
    const { network, logged, kernel } = scene()
    kernel.answer = () => ['b is away.']
    await network.update()
    await network.update()
    expect(network.problems).toEqual(['b is away.'])
    expect(logged).toEqual(['b is away.'])
    kernel.answer = () => []
    await network.update()
    expect(network.problems).toEqual([])
    kernel.answer = () => ['b is away.', 'c is away.']
    await network.update()
    expect(logged).toEqual(['b is away.', 'b is away.', 'c is away.'])
  })

  test('for a reason nobody thought of is tried again', async () => {
    const { network, connected, timers, kernel } = scene()
    kernel.answer = () => Promise.reject(new Error('The kernel is out of sorts.'))
    await network.update()
    expect(network.problems).toEqual(['The kernel is out of sorts.'])
    expect(timers).toHaveLength(1)
    kernel.answer = () => []
    timers[0]?.callback()
    await network.update()
    expect(connected.length).toBeGreaterThan(1)
    expect(network.problems).toEqual([])
  })
})

describe('what is masqueraded, and the ends of tunnels', () => {
  const nodes = new Map([
    ['a', a],
    ['b', b],
  ])
  const ranges = (options: Partial<NetworkOptions>) => {
    const { pods, cluster } = clusterRanges(nodes, { ...OPTIONS, ...options })
    const words = (all: typeof pods): string[] =>
      all[4].map(({ first, last }) => `${formatAddress(first)}-${formatAddress(last)}`)
    return { pods: words(pods), cluster: words(cluster) }
  }

  test('masquerading is for what this node’s pods send to anything but pods and nodes', () => {
    expect(ranges({})).toEqual({
      pods: ['10.1.0.0-10.1.0.255'],
      cluster: [
        '10.1.0.0-10.1.0.255',
        '10.2.0.0-10.2.0.255',
        '192.168.0.1-192.168.0.1',
        '192.168.0.2-192.168.0.2',
      ],
    })
  })

  test('masquerading leaves out what the options name', () => {
    const unmasqueraded = ['172.16.0.0/12', '192.168.0.0/24'].map(cidr)
    expect(ranges({ unmasqueraded }).cluster).toEqual([
      '10.1.0.0-10.1.0.255',
      '10.2.0.0-10.2.0.255',
      '172.16.0.0-172.31.255.255',
      '192.168.0.0-192.168.0.255',
    ])
  })

  test('tunnels begin and end at nodes, where there may be any', () => {
    const ends = (options: Partial<NetworkOptions>) =>
      clusterRanges(nodes, { ...OPTIONS, ...options }).tunnelEnds[4].map(({ first, last }) => {
        return `${formatAddress(first)}-${formatAddress(last)}`
      })
    expect(ends({})).toEqual(['192.168.0.1-192.168.0.1', '192.168.0.2-192.168.0.2'])
    expect(ends({ overlay: 'never' })).toEqual([])
  })

  test('both are off, or one, where the options say so, or nodes are unknown', () => {
    const pods = ['10.1.0.0-10.1.0.255']
    const everywhere = ['0.0.0.0-255.255.255.255']
    expect(ranges({ masquerade: false })).toEqual({ pods, cluster: everywhere })
    const options = { ...OPTIONS, podCidrs: a.podCidrs }
    const unknown = clusterRanges(new Map(), options)
    expect(unknown).toEqual({
      ...clusterRanges(nodes, { ...options, masquerade: false }),
      tunnelEnds: { 4: [], 6: [] },
    })
  })

  test('masquerading is of the range that the options give this node', () => {
    expect(ranges({ podCidrs: [cidr('10.9.0.0/24')] }).pods).toEqual(['10.9.0.0-10.9.0.255'])
  })
})
