import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as v from 'valibot'
import type { Cluster } from '../cluster.ts'
import type { Machine } from '../machine.ts'
import { received } from '../received.ts'
import { policyOf, podSpec, Scene } from '../scene.ts'

const PODS = 100

/** Many pods come and go, and leave nothing. */
export function churn(cluster: Cluster): void {
  describe(`${PODS} pods`, () => {
    let scene: Scene
    let before: readonly Holdings[]
    beforeAll(async () => {
      scene = await Scene.open(cluster, 'churn')
      await scene.apply([policyOf('each-other', { ingress: [{ from: [{ podSelector: {} }] }] })])
      before = await holdings(cluster)
    })
    afterAll(() => scene.close())

    test('become Ready, each with an address of its own', { timeout: 300_000 }, async () => {
      await scene.apply([deployment])
      await scene.kubectl(['rollout', 'status', 'deployment/many', '--timeout=240s'])
      const path = '-o=jsonpath={.items[*].status.podIP}'
      const addresses = (await scene.kubectl(['get', 'pods', path])).split(' ')
      expect(addresses).toHaveLength(PODS)
      expect(new Set(addresses).size).toBe(PODS)
      const during = await holdings(cluster)
      expect(sum(during, 'interfaces') - sum(before, 'interfaces')).toBe(PODS)
      expect(sum(during, 'elements')).toBeGreaterThan(sum(before, 'elements'))
    })

    test('leave no interface, route or element', { timeout: 300_000 }, async () => {
      await scene.kubectl(['delete', 'deployment', 'many', '--timeout=200s'])
      await scene
        .kubectl(['wait', '--for=delete', 'pods', '--all', '--timeout=200s'])
        .catch(() => '')
      await expect.poll(() => holdings(cluster), { timeout: 60_000, interval: 500 }).toEqual(before)
    })

    test('were never refused their network, nor was any taken away in vain', async () => {
      for (const reason of ['FailedCreatePodSandBox', 'FailedKillPod']) {
        const events = ['get', 'events', `--field-selector=reason=${reason}`, '-o=name']
        expect(await scene.kubectl(events)).toBe('')
      }
    })
  })
}

/** What pods of a node hold in its kernel. */
interface Holdings {
  readonly interfaces: number
  readonly routes: number
  readonly elements: number
}

function sum(all: readonly Holdings[], key: keyof Holdings): number {
  return all.reduce((total, holding) => total + holding[key], 0)
}

async function holdings(cluster: Cluster): Promise<Holdings[]> {
  return await Promise.all(
    [...cluster.nodes.values()].map(async (machine) => ({
      interfaces: v.parse(links, JSON.parse(await machine.run(['ip', '-json', 'link']))).length,
      routes: (await received(machine)).size,
      elements: await countElements(machine),
    })),
  )
}

const links = v.array(v.object({ ifname: v.string() }))

const ruleset = v.object({ nftables: v.array(v.record(v.string(), v.unknown())) })
const container = v.object({ elem: v.optional(v.array(v.unknown()), []) })

/** Of all sets and maps of our table. */
async function countElements(machine: Machine): Promise<number> {
  const listed = await machine.run(['nft', '--json', 'list', 'table', 'inet', 'sluice'])
  const containers = v
    .parse(ruleset, JSON.parse(listed))
    .nftables.flatMap(({ set, map }) => set ?? map ?? [])
  return containers.reduce((total: number, one) => total + v.parse(container, one).elem.length, 0)
}

const deployment = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'many' },
  spec: {
    replicas: PODS,
    selector: { matchLabels: { app: 'many' } },
    template: { metadata: { labels: { app: 'many' } }, spec: podSpec({}) },
  },
}
