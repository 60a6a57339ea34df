import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Cluster } from '../cluster.ts'
import { type PodProgram, runInPod } from '../in-pod.ts'
import { podCidrOf } from '../pod-cidr.ts'
import { received } from '../received.ts'
import { policyOf, podOf, Scene } from '../scene.ts'

const ROUNDS = 4
const PODS_A_ROUND = 50

/** A client sends to every address of a node before any pod has it, while isolated pods start there. */
export function podStart(cluster: Cluster): void {
  describe('the start of an isolated pod', () => {
    let scene: Scene
    let flood: PodProgram
    beforeAll(async () => {
      scene = await Scene.open(cluster, 'start')
      const isolated = { podSelector: { matchLabels: { isolated: 'yes' } } }
      await scene.apply([policyOf('isolated', isolated)])
      await scene.run([{ name: 'client', node: 'node-1' }])
      const [prefix = ''] = /^\d+\.\d+\.\d+\./u.exec(await podCidrOf(cluster, 'node-2')) ?? []
      const argv = ['flood.ts', prefix, '2', '254', '9'] as const
      flood = await runInPod(scene, 'client', cluster.node('node-1'), argv)
    })
    afterAll(async () => {
      await flood.stop()
      await scene.close()
    })

    test(`lets no packet through, in ${ROUNDS * PODS_A_ROUND} starts`, {
      timeout: 600_000,
    }, async () => {
      let leaked = 0
      let starts = 0
      for (let round = 0; round < ROUNDS; round++) {
        const isolated = Array.from({ length: PODS_A_ROUND }, (_, number) => `isolated-${number}`)
        await scene.apply([
          ...isolated.map((name) => podOf({ name, node: 'node-2', labels: { isolated: 'yes' } })),
          podOf({ name: 'open', node: 'node-2' }),
        ])
        await scene.untilReady([...isolated, 'open'])
        const packets = await received(cluster.node('node-2'))
        const addresses = await addressesOf(scene)
        expect(
          packets.get(addresses.get('open') ?? ''),
          'an open pod hears the client',
        ).toBeGreaterThan(0)
        for (const name of isolated) {
          const count = packets.get(addresses.get(name) ?? '')
          expect(count, `${name} is wired`).toBeDefined()
          leaked += count ?? 0
          starts += 1
        }
        await scene.kubectl(['delete', 'pods', '--selector=isolated=yes'])
        await scene.kubectl(['delete', 'pod', 'open'])
      }
      console.log(`pod start: ${starts} starts of isolated pods, ${leaked} packets leaked`)
      expect(leaked).toBe(0)
    })
  })
}

async function addressesOf(scene: Scene): Promise<ReadonlyMap<string, string>> {
  const path = '{range .items[*]}{.metadata.name}={.status.podIP}{"\\n"}{end}'
  const lines = (await scene.kubectl(['get', 'pods', `-o=jsonpath=${path}`])).trim().split('\n')
  return new Map(lines.map((line) => [line.split('=')[0] ?? '', line.split('=')[1] ?? '']))
}
