import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as v from 'valibot'
import type { Cluster } from '../cluster.ts'
import {
  dismissAgents,
  killAgent,
  recallAgents,
  replaceAgents,
  untilAgentReady,
} from '../cni-sluice.ts'
import { startApiServer, untilApiReady } from '../control-plane.ts'
import { runInPod } from '../in-pod.ts'
import { received } from '../received.ts'
import { HTTP_PORT, podOf, policyOf, Scene } from '../scene.ts'

/** What restarts, and traffic goes on as if nothing had. */
export function restarts(cluster: Cluster): void {
  describe('under traffic', () => {
    let scene: Scene
    let targets: readonly string[]
    beforeAll(async () => {
      scene = await Scene.open(cluster, 'restarts')
      await scene.apply([policyOf('default-deny', {}), allow('open', 'client')])
      await scene.run([
        { name: 'client', node: 'node-1', labels: { app: 'client' } },
        { name: 'near-open', node: 'node-1', labels: { app: 'open' } },
        { name: 'far-open', node: 'node-2', labels: { app: 'open' } },
        { name: 'near-closed', node: 'node-1', labels: { app: 'closed' } },
        { name: 'far-closed', node: 'node-2', labels: { app: 'closed' } },
      ])
      const expected = ['near-open', 'far-open', 'near-closed', 'far-closed'].map(async (pod) => {
        return `${await scene.ipOf(pod)}:${HTTP_PORT}=${pod.replace(/^.*-/u, '')}`
      })
      targets = await Promise.all(expected)
    })
    afterAll(() => scene.close())

    test('agents are replaced by a rolling update', async () => {
      expect(await wrongDuring(() => replaceAgents(cluster))).toBe(0)
    })

    test('agents are killed', async () => {
      const wrong = await wrongDuring(async () => {
        await killAgents()
        await untilAgentsReady()
      })
      expect(wrong).toBe(0)
    })

    test('no agent runs for a while: pods may go, and those that come wait for one', async () => {
      await scene.run([{ name: 'leaver', node: 'node-2' }])
      const address = await scene.ipOf('leaver')
      const wrong = await wrongDuring(async () => {
        await dismissAgents(cluster)
        await scene.kubectl(['delete', 'pod', 'leaver', '--timeout=60s'])
        await scene.apply([podOf({ name: 'comer', node: 'node-2' })])
        await expect.poll(() => refusals(scene), { timeout: 60_000 }).not.toBe('')
        await recallAgents(cluster)
        await scene.untilReady(['comer'])
      })
      expect(wrong).toBe(0)
      expect((await received(cluster.node('node-2'))).has(address)).toBe(false)
    })

    test('the API server is away for a while', async () => {
      const machine = cluster.controlPlane
      const wrong = await wrongDuring(async () => {
        await machine.stopService('kube-apiserver', 'SIGKILL')
        await killAgents()
        startApiServer(machine)
        await untilApiReady(machine)
        await untilAgentsReady()
      })
      expect(wrong).toBe(0)
    })

    test('and what changes then is enforced', async () => {
      await scene.apply([allow('closed', 'client')])
      const host = await scene.ipOf('far-closed')
      const poll = { timeout: 60_000, interval: 300 }
      await expect.poll(() => scene.connect('client', host, HTTP_PORT), poll).toBe('open')
    })

    const killAgents = () => Promise.all([...cluster.nodes.values()].map(killAgent))
    const untilAgentsReady = () => Promise.all([...cluster.nodes.values()].map(untilAgentReady))

    /** Answers that were not the expected ones while something went on. */
    async function wrongDuring(action: () => Promise<void>): Promise<number> {
      const client = cluster.node('node-1')
      const traffic = await runInPod(scene, 'client', client, ['traffic.ts', ...targets])
      await action()
      const last = (await traffic.stop()).trimEnd().split('\n').at(-1) ?? ''
      const { attempts, wrong } = v.parse(counts, JSON.parse(last))
      console.log(`under traffic: ${attempts} connections tried, ${wrong} wrong answers`)
      expect(attempts).toBeGreaterThan(100)
      return wrong
    }
  })
}

/** Pods that were not given a network. */
async function refusals(scene: Scene): Promise<string> {
  const events = ['get', 'events', '--field-selector=reason=FailedCreatePodSandBox', '-o=name']
  return await scene.kubectl(events)
}

const counts = v.object({ attempts: v.number(), wrong: v.number() })

function allow(to: string, from: string): object {
  return policyOf(`${from}-to-${to}`, {
    podSelector: { matchLabels: { app: to } },
    ingress: [{ from: [{ podSelector: { matchLabels: { app: from } } }] }],
  })
}
