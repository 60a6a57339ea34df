import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Cluster } from './cluster.ts'
import type { Cni } from './cni.ts'
import { importImage } from './images.ts'
import type { Machine } from './machine.ts'
import { writeOciArchive } from './oci-archive.ts'
import { until } from './until.ts'

/** Sluice as anyone installs it: its image, and one `kubectl apply` of deploy/. */
export const sluice: Cni = {
  name: 'sluice',
  install: async (cluster) => {
    const { places } = cluster
    const archive = join(places.directory, 'images', 'sluice.tar')
    const files = '/tmp/sluice-image'
    // On a machine, whose libraries are those of the image's Dockerfile.
    await cluster.node('node-1').run([`${CHECKOUT}/scripts/image-root`, files])
    await writeOciArchive(archive, cluster.node('node-1').path(files), IMAGE)
    for (const machine of cluster.nodes.values()) await importImage(machine, archive)
    const manifest = await readFile(join(places.checkout, 'deploy/sluice.yaml'), 'utf8')
    // Kubernetes 1.20 does not know every field, and passes over those that it does not.
    await cluster.kubectl(['apply', '--validate=false', '-f', '-'], manifest)
  },
}

/** Where machines have this checkout. */
const CHECKOUT = '/opt/sluice'

/** What the Dockerfile says of the image, and the manifest asks for. */
const IMAGE = {
  name: 'localhost/sluice:0.1.0',
  entrypoint: ['/usr/bin/sluice'],
  environment: ['NODE_OPTIONS=--max-semi-space-size=4'],
}

/** Replaces the agents' pods, one node after the other. */
export async function replaceAgents(cluster: Cluster): Promise<void> {
  await cluster.kubectl(['rollout', 'restart', ...DAEMON_SET])
  await untilRolledOut(cluster)
}

/** Resolves when no node has an agent any more. What the agents did to the nodes stays. */
export async function dismissAgents(cluster: Cluster): Promise<void> {
  await selectNodes(cluster, 'none')
  for (const machine of cluster.nodes.values()) {
    await until(`the agent of ${machine.name} has gone`, 60_000, async () => {
      return (await agentAnswer(machine)) === 'nothing'
    })
  }
}

/** Resolves when every node has an agent again. */
export async function recallAgents(cluster: Cluster): Promise<void> {
  await selectNodes(cluster, null)
  await untilRolledOut(cluster)
}

const DAEMON_SET = ['--namespace=kube-system', 'daemonset/sluice']

async function untilRolledOut(cluster: Cluster): Promise<void> {
  await cluster.kubectl(['rollout', 'status', '--timeout=120s', ...DAEMON_SET])
}

/** By a label that no node has; null takes the condition away. */
async function selectNodes(cluster: Cluster, value: string | null): Promise<void> {
  const template = { spec: { nodeSelector: { 'sluice.test/agent': value } } }
  const patch = JSON.stringify({ spec: { template } })
  await cluster.kubectl(['patch', ...DAEMON_SET, `--patch=${patch}`])
}

/** SIGKILL; kubelet starts it again. Resolves when it has ended. */
export async function killAgent(machine: Machine): Promise<void> {
  await machine.run(['pkill', '-KILL', '-f', AGENT])
  await until(`the agent of ${machine.name} has ended`, 10_000, async () => {
    return (await agentAnswer(machine)) === 'nothing'
  })
}

/** Resolves once what the agent knows is in force. */
export async function untilAgentReady(machine: Machine): Promise<void> {
  await until(`the agent of ${machine.name} is ready`, 120_000, async () => {
    return (await agentAnswer(machine)) === 'ready'
  })
}

const AGENT = '^/usr/bin/node /usr/bin/sluice agent'

async function agentAnswer(machine: Machine): Promise<'ready' | 'not ready' | 'nothing'> {
  if ((await machine.attempt(['pgrep', '-f', AGENT])).code !== 0) return 'nothing'
  const url = 'http://127.0.0.1:9477/readyz'
  const { code } = await machine.attempt(['busybox', 'wget', '-q', '-O-', url])
  return code === 0 ? 'ready' : 'not ready'
}
