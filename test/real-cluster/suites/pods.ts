import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { contains, parseAddress, parseCidr } from '../../../src/policy/address.ts'
import type { Cluster } from '../cluster.ts'
import { NODE_ADDRESSES, OUTSIDE_ADDRESS } from '../plan.ts'
import { podCidrOf } from '../pod-cidr.ts'
import { Scene } from '../scene.ts'
import { startServer } from '../server.ts'

/** Pods get addresses, and reach each other, the nodes and the world. */
export function pods(cluster: Cluster): void {
  describe('pods', () => {
    let scene: Scene
    beforeAll(async () => {
      scene = await Scene.open(cluster, 'pods')
      await scene.run([
        { name: 'a', node: 'node-1', probed: true },
        { name: 'neighbour', node: 'node-1', probed: true },
        { name: 'far', node: 'node-2', probed: true },
      ])
    })
    afterAll(() => scene.close())

    test.each([
      ['a', 'node-1'],
      ['neighbour', 'node-1'],
      ['far', 'node-2'],
    ] as const)('%s has an address of the range of %s', async (pod, node) => {
      const range = parseCidr(await podCidrOf(cluster, node))
      const address = parseAddress(await scene.ipOf(pod))
      expect(range && address && contains(range.cidr, address)).toBe(true)
    })

    test.each(['neighbour', 'far'])('reach %s by TCP and UDP, as themselves', async (to) => {
      const host = await scene.ipOf(to)
      expect(await scene.fetch('a', host, 'hostname')).toBe(to)
      expect(await sourceSeen(scene, 'a', host)).toBe(await scene.ipOf('a'))
      expect(await scene.askByUdp('a', host)).toBe(to)
    })

    test('reach the other node as themselves', async () => {
      await startServer(cluster.node('node-2'), 8090)
      const seen = await sourceSeen(scene, 'a', NODE_ADDRESSES['node-2'], 8090)
      expect(seen).toBe(await scene.ipOf('a'))
    })

    test('reach addresses outside the cluster as their node', async () => {
      await startServer(cluster.controlPlane, 8090)
      const seen = await sourceSeen(scene, 'a', OUTSIDE_ADDRESS, 8090)
      expect(seen).toBe(NODE_ADDRESSES['node-1'])
    })

    test('are reached from their own node', async () => {
      const url = `http://${await scene.ipOf('a')}:8080/hostname`
      expect(await cluster.node('node-1').run(['busybox', 'wget', '-q', '-O-', url])).toBe('a')
    })
  })
}

/** Who the server of another pod takes the pod for: `clientip` answers with address and port. */
async function sourceSeen(scene: Scene, pod: string, host: string, port?: number): Promise<string> {
  return (await scene.fetch(pod, host, 'clientip', port)).replace(/:\d+$/u, '')
}
