import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Cluster } from '../cluster.ts'
import { NODE_ADDRESSES, OUTSIDE_ADDRESS } from '../plan.ts'
import { HTTP_PORT, policyOf, Scene, UDP_PORT } from '../scene.ts'
import { startServer } from '../server.ts'

/** The patterns of the demo, on pods that a kubelet runs on two nodes. */
export function policies(cluster: Cluster): void {
  describe('policies', () => {
    let shop: Scene
    let monitoring: Scene
    let ip: Readonly<Record<'web' | 'api' | 'db', string>>

    beforeAll(async () => {
      await startServer(cluster.controlPlane, OUTSIDE_PORT)
      shop = await Scene.open(cluster, 'shop')
      monitoring = await Scene.open(cluster, 'monitoring', { purpose: 'monitoring' })
      await shop.run([
        { name: 'web', node: 'node-1', labels: { tier: 'web' } },
        { name: 'api', node: 'node-2', labels: { tier: 'api' } },
        { name: 'db', node: 'node-1', labels: { tier: 'db' } },
        { name: 'stranger', node: 'node-1' },
      ])
      await monitoring.run([{ name: 'prometheus', node: 'node-2' }])
      const [web, api, db] = await Promise.all(['web', 'api', 'db'].map((pod) => shop.ipOf(pod)))
      ip = { web: web ?? '', api: api ?? '', db: db ?? '' }
    })
    afterAll(() => Promise.all([shop.close(), monitoring.close()]))

    const tcp = (scene: Scene, pod: string, host: string, port: number = HTTP_PORT) => {
      return expect.poll(() => scene.connect(pod, host, port), POLL)
    }

    test('none: everything is open', async () => {
      await tcp(shop, 'stranger', ip.db).toBe('open')
      await tcp(monitoring, 'prometheus', ip.web).toBe('open')
      await tcp(shop, 'api', OUTSIDE_ADDRESS, OUTSIDE_PORT).toBe('open')
    })

    test('default deny: nothing is, between nodes nor on one', async () => {
      await shop.apply([policyOf('default-deny', { policyTypes: ['Ingress', 'Egress'] })])
      await tcp(shop, 'web', ip.api).toBe('timeout')
      await tcp(shop, 'web', ip.db).toBe('timeout')
      await tcp(monitoring, 'prometheus', ip.web).toBe('timeout')
      await tcp(shop, 'api', OUTSIDE_ADDRESS, OUTSIDE_PORT).toBe('timeout')
      expect(await shop.askByUdp('web', ip.db).catch(() => '')).toBe('')
    })

    test('labels, on both ends', async () => {
      await shop.apply([
        policyOf('web-egress', {
          podSelector: { matchLabels: { tier: 'web' } },
          policyTypes: ['Egress'],
          egress: [{ to: [{ podSelector: { matchExpressions: [API_OR_DB] } }] }],
        }),
        policyOf('api-ingress', {
          podSelector: { matchLabels: { tier: 'api' } },
          ingress: [{ from: [{ podSelector: { matchLabels: { tier: 'web' } } }] }],
        }),
      ])
      await tcp(shop, 'web', ip.api).toBe('open')
      await tcp(shop, 'web', ip.db).toBe('timeout')
      await tcp(shop, 'stranger', ip.api).toBe('timeout')
    })

    test('protocols and named ports', async () => {
      await shop.apply([
        policyOf('db-ingress', {
          podSelector: { matchLabels: { tier: 'db' } },
          ingress: [{ ports: [{ port: 'names', protocol: 'UDP' }] }],
        }),
      ])
      await expect
        .poll(() => shop.askByUdp('web', ip.db, UDP_PORT).catch(() => ''), POLL)
        .toBe('db')
      await tcp(shop, 'web', ip.db).toBe('timeout')
    })

    test('namespaces by label', async () => {
      const peer = { namespaceSelector: { matchLabels: { purpose: 'monitoring' } } }
      await shop.apply([policyOf('metrics', { ingress: [{ from: [peer] }] })])
      await tcp(monitoring, 'prometheus', ip.web).toBe('open')
      await tcp(monitoring, 'prometheus', ip.db).toBe('open')
      await tcp(shop, 'stranger', ip.web).toBe('timeout')
    })

    test('namespaces by the name that old API servers do not put on them', async () => {
      const matchLabels = { 'kubernetes.io/metadata.name': 'monitoring' }
      const peer = { namespaceSelector: { matchLabels } }
      await shop.apply([policyOf('metrics', { ingress: [{ from: [peer] }] })])
      await tcp(monitoring, 'prometheus', ip.web).toBe('open')
    })

    test('blocks of addresses with exceptions, towards the outside', async () => {
      const block = { cidr: '203.0.113.0/24', except: ['203.0.113.128/25'] }
      await shop.apply([egressTo('outside', block)])
      await tcp(shop, 'api', OUTSIDE_ADDRESS, OUTSIDE_PORT).toBe('open')
      await tcp(shop, 'api', NODE_ADDRESSES['node-1'], OUTSIDE_PORT).toBe('timeout')
      await shop.apply([egressTo('outside', { ...block, except: ['203.0.113.0/25'] })])
      await tcp(shop, 'api', OUTSIDE_ADDRESS, OUTSIDE_PORT).toBe('timeout')
    })

    test('withdrawn: closed again', async () => {
      await shop.kubectl(['delete', 'networkpolicy', 'metrics'])
      await tcp(monitoring, 'prometheus', ip.web).toBe('timeout')
      await shop.kubectl(['delete', 'networkpolicy', '--all'])
      await tcp(monitoring, 'prometheus', ip.db).toBe('open')
    })
  })
}

const OUTSIDE_PORT = 8090
const POLL = { timeout: 20_000, interval: 200 }
const API_OR_DB = { key: 'tier', operator: 'In', values: ['api', 'db'] }

function egressTo(name: string, ipBlock: object): object {
  return policyOf(name, {
    podSelector: { matchLabels: { tier: 'api' } },
    policyTypes: ['Egress'],
    egress: [{ to: [{ ipBlock }] }],
  })
}
