import { afterAll, beforeAll, expect, test } from 'vitest'
import { Place } from '../../src/lab/place.ts'
import type { Outcome } from '../../src/lab/place-messages.ts'
import { attachmentIdOf } from '../../src/pods/attachment.ts'
import { formatAddress } from '../../src/policy/address.ts'
import { run } from './node-kernel.ts'
import { ofFamily, SmallCluster } from './small-cluster.ts'

/** What listens on the node's 127.0.0.1 keeps its ports until an agent starts with --localhost-host-ports. */
const flags: string[] = []
const cluster = new SmallCluster(1, { flags })
const PROTOCOLS = ['TCP', 'UDP'] as const
const HOST_PORT = 8080
const LOCALHOST = '127.0.0.1'

let node: Place
let pod: Place

beforeAll(async () => {
  await cluster.start()
  const portMappings = PROTOCOLS.map((protocol) => {
    return { hostPort: HOST_PORT, containerPort: HOST_PORT, protocol }
  })
  await cluster.add({ name: 'web', runtimeConfig: { portMappings } })
  node = new Place({ name: 'node', netns: cluster.node.netns })
  pod = new Place({ name: 'web', netns: cluster.pod('web').netns })
  await node.listen(servicesAt(LOCALHOST))
  await pod.listen(servicesAt(formatAddress(ofFamily(cluster.pod('web').addresses, 4))))
})

afterAll(async () => {
  await Promise.all([node?.close(), pod?.close()])
  await cluster.stop()
})

// In this order: each goes on with the node as the one before left it.
test('without the option, they are the node’s', async () => {
  await expectAnswers('node', '0')
})

test('with it, they are the pod’s, also of a pod that was there before', async () => {
  flags.push('--localhost-host-ports')
  await restart()
  await expectAnswers('web', '1')
})

test('and without it again the node’s', async () => {
  flags.pop()
  await restart()
  await expectAnswers('node', '0')
})

/** Another option is another program: the table is built anew, with all that is in it. */
async function restart(): Promise<void> {
  await cluster.killAgent(cluster.node)
  await cluster.startAgent(cluster.node)
  const starts = (await cluster.log(cluster.node)).filter(({ event }) => event === 'agent.ready')
  expect(starts.at(-1)).toMatchObject({ table: 'installed' })
}

/** By localhost; by its address it is always the pod. */
async function expectAnswers(byLocalhost: string, routeLocalnet: string): Promise<void> {
  const own = formatAddress(ofFamily(cluster.node.addresses.own, 4))
  for (const protocol of PROTOCOLS) {
    expect(await knock(protocol, own)).toEqual({ kind: 'answered', by: 'web' })
    expect(await knock(protocol, LOCALHOST)).toEqual({ kind: 'answered', by: byLocalhost })
  }
  const { containerId } = cluster.pod('web').sandbox
  const link = attachmentIdOf({ containerId, ifName: 'eth0' })
  const setting = `net.ipv4.conf.${link}.route_localnet`
  expect(run(cluster.node.netns, 'sysctl', '-n', setting).trim()).toBe(routeLocalnet)
}

function servicesAt(address: string) {
  return PROTOCOLS.map((protocol) => ({ protocol, port: HOST_PORT, address }))
}

function knock(protocol: 'TCP' | 'UDP', to: string): Promise<Outcome> {
  return node.knock({ protocol, from: to, to, port: HOST_PORT, timeoutMs: 1000 })
}
