import { afterAll, beforeAll, expect, test } from 'vitest'
import { Place } from '../../src/lab/place.ts'
import type { Outcome } from '../../src/lab/place-messages.ts'
import { attachmentIdOf } from '../../src/pods/attachment.ts'
import { formatAddress } from '../../src/policy/address.ts'
import { run } from './node-kernel.ts'
import { ofFamily, SmallCluster } from './small-cluster.ts'

/** Without --localhost-host-ports, what listens on the node's 127.0.0.1 keeps its ports. */
const cluster = new SmallCluster(1)
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

test.each(PROTOCOLS)('%s', async (protocol) => {
  const own = formatAddress(ofFamily(cluster.node.addresses.own, 4))
  expect(await knock(protocol, own)).toEqual({ kind: 'answered', by: 'web' })
  expect(await knock(protocol, LOCALHOST)).toEqual({ kind: 'answered', by: 'node' })
})

test('the pod’s link does not know of loopback addresses', () => {
  const { containerId } = cluster.pod('web').sandbox
  const link = attachmentIdOf({ containerId, ifName: 'eth0' })
  const setting = `net.ipv4.conf.${link}.route_localnet`
  expect(run(cluster.node.netns, 'sysctl', '-n', setting).trim()).toBe('0')
})

function servicesAt(address: string) {
  return PROTOCOLS.map((protocol) => ({ protocol, port: HOST_PORT, address }))
}

function knock(protocol: 'TCP' | 'UDP', to: string): Promise<Outcome> {
  return node.knock({ protocol, from: to, to, port: HOST_PORT, timeoutMs: 1000 })
}
