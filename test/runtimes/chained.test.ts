import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { ChainScene, type ChainPod, POD_PORT } from './chain-scene.ts'
import type { NetworkList } from './cni-driver.ts'
import { stateOf } from './machine-state.ts'
import { NAMESPACE } from './scene.ts'
import { POD_RANGES } from './sluice-agent.ts'

let scene: ChainScene
beforeAll(async () => {
  scene = await ChainScene.start(['--chained'])
})
afterEach(() => scene.detachRest())
afterAll(() => scene?.stop())

const PORTMAP = { type: 'portmap', capabilities: { portMappings: true } }
const SLUICE = { type: 'sluice-cni', defaultNamespace: NAMESPACE }

/** Pods that Debian's plugins wire, as Flannel's list (0.3.1: bridge, portmap) has them; Sluice only enforces. */
describe.each([
  ['0.3.1', 'bridge'],
  ['0.3.1', 'ptp'],
  ['1.0.0', 'bridge'],
  ['1.0.0', 'ptp'],
])('version %s, after %s and portmap', (cniVersion, type) => {
  test('policy holds, the result is that of the others, and nothing of the pods stays', async () => {
    const before = stateOf(scene.machine).elements
    const server = await scene.attach(list(), { id: 'server' })
    const friend = await scene.attach(list(), { id: 'friend' })
    const foe = await scene.attach(list(), { id: 'foe' })
    expect(server.result['ips']).toMatchObject([
      { address: `${server.addresses[0]}/24` },
      { address: `${server.addresses[1]}/64` },
    ])
    // Plugins that do not switch duplicate detection off leave their IPv6 addresses useless for a second or two.
    await vi.waitFor(
      async () => expect(await knocks(friend, server)).toEqual(['answered', 'answered']),
      { timeout: 10_000 },
    )
    expect(await knocks(foe, server)).toEqual(['unanswered', 'unanswered'])

    for (const pod of [server, friend, foe]) {
      await scene.driver.del(pod.list, pod.container)
      await scene.detach(pod)
    }
    await vi.waitFor(
      () => {
        const { elements, records, links } = stateOf(scene.machine)
        expect({ elements, records }).toEqual({ elements: before, records: [] })
        expect(links.filter((link) => link.startsWith('veth'))).toEqual([])
      },
      { timeout: 10_000 },
    )
  })

  function list(): NetworkList {
    const ranges = POD_RANGES.map((subnet) => [{ subnet }])
    const routes = [{ dst: '0.0.0.0/0' }, { dst: '::/0' }]
    const ipam = { type: 'host-local', ranges, routes }
    const first = { type, bridge: 'cni0', isGateway: true, hairpinMode: true, ipam }
    return { cniVersion, name: `by-${type}`, plugins: [first, PORTMAP, SLUICE] }
  }
})

function knocks(from: ChainPod, to: ChainPod): Promise<string[]> {
  const attempts = to.addresses.map(async (address, family) => {
    const sent = { protocol: 'TCP', from: from.addresses[family] ?? '', to: address } as const
    return (await from.place.knock({ ...sent, port: POD_PORT, timeoutMs: 500 })).kind
  })
  return Promise.all(attempts)
}
