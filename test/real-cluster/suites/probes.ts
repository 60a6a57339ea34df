import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Cluster } from '../cluster.ts'
import { NODES } from '../plan.ts'
import { HTTP_PORT, policyOf, Scene } from '../scene.ts'

/** kubelet asks pods how they are, whatever policy says. */
export function probes(cluster: Cluster): void {
  describe('isolated pods', () => {
    let scene: Scene
    beforeAll(async () => {
      scene = await Scene.open(cluster, 'probes')
      await scene.apply([policyOf('default-deny', { policyTypes: ['Ingress', 'Egress'] })])
    })
    afterAll(() => scene.close())

    test('become Ready by a probe over the network, on each node', async () => {
      await scene.run(NODES.map((node) => ({ name: `on-${node}`, node, probed: true })))
    })

    test('are closed to each other', async () => {
      const host = await scene.ipOf('on-node-2')
      expect(await scene.connect('on-node-1', host, HTTP_PORT)).toBe('timeout')
    })
  })
}
