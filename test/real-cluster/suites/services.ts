import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as v from 'valibot'
import type { Cluster } from '../cluster.ts'
import { NODE_ADDRESSES, OUTSIDE_ADDRESS } from '../plan.ts'
import { HTTP_PORT, policyOf, Scene } from '../scene.ts'

/** Addresses behind the nodes that only Services know. */
const EXTERNAL_IP = '203.0.113.50'
const LOAD_BALANCER_IP = '203.0.113.60'
const NODE_PORT = 30080
const PORT = 80

type Target = readonly [host: string, port: number]

/** Services lead to their pods, and policy speaks of the pods that they lead to. */
export function services(cluster: Cluster): void {
  describe('services', () => {
    let scene: Scene
    let clusterIp: string
    beforeAll(async () => {
      scene = await Scene.open(cluster, 'services')
      await scene.apply([serviceOf('web', { type: 'LoadBalancer' }), headless])
      await setLoadBalancerAddress(scene)
      clusterIp = await scene.kubectl(['get', 'service', 'web', '-o=jsonpath={.spec.clusterIP}'])
      await scene.run([
        { name: 'web', node: 'node-2', labels: { app: 'web' }, probed: true },
        { name: 'friend', node: 'node-1', labels: { app: 'friend' } },
        { name: 'near-friend', node: 'node-2', labels: { app: 'friend' } },
        { name: 'stranger', node: 'node-1', labels: { app: 'stranger' } },
        { name: 'near-stranger', node: 'node-2', labels: { app: 'stranger' } },
      ])
      const gateway = NODE_ADDRESSES['node-1']
      for (const address of [EXTERNAL_IP, LOAD_BALANCER_IP]) {
        await cluster.controlPlane.run(['ip', 'route', 'replace', address, 'via', gateway])
      }
    })
    afterAll(() => scene.close())

    const ways: readonly (readonly [string, () => Target])[] = [
      ['its cluster address', () => [clusterIp, PORT]],
      ['an external address', () => [EXTERNAL_IP, PORT]],
      ['its load balancer’s address', () => [LOAD_BALANCER_IP, PORT]],
      ['the port of node-1', () => [NODE_ADDRESSES['node-1'], NODE_PORT]],
      ['the port of node-2', () => [NODE_ADDRESSES['node-2'], NODE_PORT]],
    ]

    describe('without policy', () => {
      test.each(ways)('%s leads pods to the pod', async (_, target) => {
        await expectAnswer(scene, 'friend', target(), 'open')
        await expectAnswer(scene, 'near-stranger', target(), 'open')
      })

      test.each(ways.slice(1))('%s leads the outside to the pod', async (_, target) => {
        await expect.poll(() => fromOutside(cluster, target()), POLL).toBe('open')
      })

      test('a headless service names the pods themselves', async () => {
        const path = '-o=jsonpath={.subsets[*].addresses[*].ip}'
        const addresses = await scene.kubectl(['get', 'endpoints', 'headless', path])
        expect(addresses).toBe(await scene.ipOf('web'))
      })
    })

    describe('where only friends may', () => {
      beforeAll(() => scene.apply([friendsOnly]))

      test.each(ways)('%s leads friends to the pod, and strangers nowhere', async (_, target) => {
        await expectAnswer(scene, 'stranger', target(), 'timeout')
        await expectAnswer(scene, 'near-stranger', target(), 'timeout')
      })

      test('friends reach it by its cluster address', async () => {
        await expectAnswer(scene, 'friend', [clusterIp, PORT], 'open')
        await expectAnswer(scene, 'near-friend', [clusterIp, PORT], 'open')
      })

      test.each(ways.slice(1))('%s leads the outside nowhere', async (_, target) => {
        await expect.poll(() => fromOutside(cluster, target()), POLL).toBe('closed')
      })

      test('the pod reaches itself by its service', async () => {
        await expectAnswer(scene, 'web', [clusterIp, PORT], 'open')
      })
    })

    test('where the outside may, an ipBlock lets it in by the pod’s own node', async () => {
      await scene.apply([outsideToo])
      const target: Target = [NODE_ADDRESSES['node-2'], NODE_PORT]
      await expect.poll(() => fromOutside(cluster, target), POLL).toBe('open')
    })
  })
}

const POLL = { timeout: 20_000, interval: 200 }

async function expectAnswer(
  scene: Scene,
  pod: string,
  [host, port]: Target,
  answer: string,
): Promise<void> {
  await expect.poll(() => scene.connect(pod, host, port), POLL).toBe(answer)
}

async function fromOutside(cluster: Cluster, [host, port]: Target): Promise<'open' | 'closed'> {
  const argv = ['agnhost', 'connect', `${host}:${port}`, '--timeout=1s']
  return (await cluster.controlPlane.attempt(argv)).code === 0 ? 'open' : 'closed'
}

function serviceOf(name: string, spec: object): object {
  const ports = [{ port: PORT, targetPort: HTTP_PORT, nodePort: NODE_PORT }]
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name },
    spec: { selector: { app: 'web' }, ports, externalIPs: [EXTERNAL_IP], ...spec },
  }
}

const headless = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'headless' },
  spec: { clusterIP: 'None', selector: { app: 'web' }, ports: [{ port: HTTP_PORT }] },
}

const friendsOnly = policyOf('friends-only', {
  podSelector: { matchLabels: { app: 'web' } },
  ingress: [{ from: [{ podSelector: { matchLabels: { app: 'friend' } } }] }],
})

/** Node addresses too: where the other node forwards, the pod sees that node. */
const outsideToo = policyOf('outside-too', {
  podSelector: { matchLabels: { app: 'web' } },
  ingress: [
    {
      from: [
        { ipBlock: { cidr: '172.30.0.0/24' } },
        { ipBlock: { cidr: `${OUTSIDE_ADDRESS}/32` } },
      ],
    },
  ],
})

/** As a load balancer's controller would. */
async function setLoadBalancerAddress(scene: Scene): Promise<void> {
  const path = `/api/v1/namespaces/${scene.namespace}/services/web`
  const service = v.parse(
    v.looseObject({}),
    JSON.parse(await scene.kubectl(['get', '--raw', path])),
  )
  const status = { loadBalancer: { ingress: [{ ip: LOAD_BALANCER_IP }] } }
  const changed = JSON.stringify({ ...service, status })
  await scene.kubectl(['replace', '--raw', `${path}/status`, '-f', '-'], changed)
}
