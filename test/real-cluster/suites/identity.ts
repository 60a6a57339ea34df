import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Cluster } from '../cluster.ts'
import { type PodProgram, runInPod } from '../in-pod.ts'
import { podCidrOf } from '../pod-cidr.ts'
import { received } from '../received.ts'
import { HTTP_PORT, policyOf, podSpec, Scene } from '../scene.ts'
import { startKubelet } from '../worker.ts'

const RECREATIONS = 5

/** A pod is what runs, not its name and not what the API says of it. */
export function identity(cluster: Cluster): void {
  describe('a pod', () => {
    let scene: Scene
    beforeAll(async () => {
      scene = await Scene.open(cluster, 'identity')
      await scene.apply([policyOf('default-deny', {}), open])
      await scene.run([{ name: 'client', node: 'node-1', labels: { app: 'client' } }])
    })
    afterAll(() => scene.close())

    describe('of a StatefulSet', () => {
      let flood: PodProgram
      beforeAll(async () => {
        const [prefix = ''] = /^\d+\.\d+\.\d+\./u.exec(await podCidrOf(cluster, 'node-2')) ?? []
        const argv = ['flood.ts', prefix, '2', '254', '9'] as const
        flood = await runInPod(scene, 'client', cluster.node('node-1'), argv)
      })
      afterAll(() => flood.stop())

      test('that comes back with other labels never runs under the old ones', async () => {
        for (let turn = 0; turn < RECREATIONS; turn++) {
          await recreate(scene, { open: 'yes' })
          await expect.poll(heard, { timeout: 20_000 }).toBeGreaterThan(0)
          await recreate(scene, { open: 'no' })
          expect(await heard()).toBe(0)
        }
      })

      /** Packets that reached the pod since it was wired. */
      async function heard(): Promise<number | undefined> {
        return (await received(cluster.node('node-2'))).get(await scene.ipOf('db-0'))
      }
    })

    test('that is deleted by force and still runs keeps its policy', async () => {
      const machine = cluster.node('node-2')
      await scene.run([{ name: 'ghost', node: 'node-2', labels: { app: 'ghost' } }])
      await scene.apply([toGhost])
      const host = await scene.ipOf('ghost')
      await expect.poll(() => scene.connect('client', host, HTTP_PORT), POLL).toBe('open')
      await scene.run([{ name: 'stranger', node: 'node-1' }])
      await machine.stopService('kubelet', 'SIGKILL')
      try {
        await scene.kubectl(['delete', 'pod', 'ghost', '--force', '--grace-period=0'])
        expect(await scene.connect('stranger', host, HTTP_PORT)).toBe('timeout')
        expect(await scene.connect('client', host, HTTP_PORT)).toBe('open')
        expect((await received(machine)).has(host)).toBe(true)
      } finally {
        startKubelet('node-2', machine)
      }
      const isWired = async (): Promise<boolean> => (await received(machine)).has(host)
      await expect.poll(isWired, { timeout: 60_000, interval: 500 }).toBe(false)
    })
  })
}

const POLL = { timeout: 20_000, interval: 200 }

const open = policyOf('open', { podSelector: { matchLabels: { open: 'yes' } }, ingress: [{}] })

const toGhost = policyOf('to-ghost', {
  podSelector: { matchLabels: { app: 'ghost' } },
  ingress: [{ from: [{ podSelector: { matchLabels: { app: 'client' } } }] }],
})

/** Gives the StatefulSet's pod these labels: it is deleted, and made again under its name. */
async function recreate(scene: Scene, labels: Readonly<Record<string, string>>): Promise<void> {
  await scene.apply([statefulSetOf({ app: 'db', ...labels })])
  await expect.poll(() => isObserved(scene), POLL).toBe(true)
  await scene.kubectl(['delete', 'pod', 'db-0', '--ignore-not-found'])
  await expect
    .poll(() => scene.kubectl(['get', 'pod', 'db-0', '--ignore-not-found', PHASE]), POLL)
    .toBe(`${labels['open']} Running`)
}

const PHASE = '-o=jsonpath={.metadata.labels.open} {.status.phase}'

/** Whether its controller has seen the last change. */
async function isObserved(scene: Scene): Promise<boolean> {
  const path = '-o=jsonpath={.metadata.generation} {.status.observedGeneration}'
  const [generation, observed] = (await scene.kubectl(['get', 'statefulset', 'db', path])).split(
    ' ',
  )
  return generation === observed
}

function statefulSetOf(labels: Readonly<Record<string, string>>): object {
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name: 'db' },
    spec: {
      replicas: 1,
      serviceName: 'db',
      selector: { matchLabels: { app: 'db' } },
      updateStrategy: { type: 'OnDelete' },
      template: { metadata: { labels }, spec: podSpec({ node: 'node-2' }) },
    },
  }
}
