import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { findShim } from '../../src/cli/find-shim.ts'
import { attach } from '../../src/lab/shim.ts'
import { createNamespace, deleteNamespace } from '../../src/netlink/native.ts'
import { formatAddress } from '../../src/policy/address.ts'
import { ApiPlace } from '../../test/kernel/api-place.ts'
import { openThreeNodes, type TestNode, type ThreeNodes } from '../../test/kernel/three-nodes.ts'
import { startAgent } from './agent.ts'
import type { Closers } from './closers.ts'
import type { PathName } from './contender.ts'
import { CLIENT, NAMESPACE, nodeObject, podObject, policyObjects, STRANGER } from './objects.ts'
import { openEnd, type PodEnd } from './pod-end.ts'

/** Three nodes with pods that real agents have wired, each a network namespace. */
export interface Cluster {
  readonly client: PodEnd
  /** On the client's node; policy lets it reach nobody. */
  readonly stranger: PodEnd
  /** On the client's node, on one of the same link, and on one behind a router. */
  readonly servers: Readonly<Record<PathName, PodEnd>>
  /** Runs a shell command in each node. */
  readonly run: (command: string) => void
  /** Ends the agents; what they made stays in the kernel. */
  readonly endAgents: () => Promise<void>
}

/** Opens one; what is to be closed again is told to `closers`, also when it fails. */
export async function openCluster(
  title: string,
  scratch: string,
  closers: Closers,
): Promise<Cluster> {
  const nodes = openNodes(title, closers)
  const api = await ApiPlace.open({
    netns: `/run/netns/${nodes.router.netns}`,
    host: '172.18.1.254',
  })
  closers.push(() => api.close())
  const all = [nodes.a, nodes.b, nodes.c]
  for (const change of [...policyObjects(), ...all.map(({ facts }) => nodeObject(facts))]) {
    api.change(change)
  }
  const agents = await Promise.all(all.map((node) => openAgent(node, api.url, scratch, closers)))
  const add = (name: string, node: TestNode, netns = makeNamespace(title, name, closers)) =>
    openPod({ name, node, netns, api, scratch, closers })
  return {
    client: await add(CLIENT, nodes.a, `/run/netns/${nodes.a.podNetns}`),
    stranger: await add(STRANGER, nodes.a),
    servers: {
      'same node': await add('same-node', nodes.a),
      direct: await add('direct', nodes.b, `/run/netns/${nodes.b.podNetns}`),
      VXLAN: await add('vxlan', nodes.c, `/run/netns/${nodes.c.podNetns}`),
    },
    run: (command) => all.forEach((node) => node.run(command)),
    endAgents: async () => void (await Promise.all(agents.map(end))),
  }
}

/** The router forwards without a look at the packets: its rules would weigh on both sides. */
function openNodes(title: string, closers: Closers): ThreeNodes {
  const nodes = openThreeNodes(title, 'bare')
  closers.push(() => nodes.close())
  nodes.router.run('nft delete table inet strict')
  return nodes
}

async function openAgent(
  { facts, netns }: TestNode,
  server: string,
  scratch: string,
  closers: Closers,
): Promise<ChildProcess> {
  const runDir = join(scratch, facts.name)
  const place = { node: facts.name, netns: `/run/netns/${netns}`, server, runDir }
  const agent = await startAgent(place)
  closers.push(() => end(agent))
  return agent
}

/** As `kill -9` does, and as it ends when the kernel is short of memory. */
async function end(agent: ChildProcess): Promise<void> {
  if (agent.exitCode !== null || agent.signalCode !== null) return
  const gone = once(agent, 'exit')
  agent.kill('SIGKILL')
  await gone
}

function makeNamespace(title: string, name: string, closers: Closers): string {
  const path = `/run/netns/slc-${title}-${name}-${process.pid}`
  createNamespace(path)
  closers.push(() => deleteNamespace(path))
  return path
}

interface NewPod {
  readonly name: string
  readonly node: TestNode
  /** Path. */
  readonly netns: string
  readonly api: ApiPlace
  readonly scratch: string
  readonly closers: Closers
}

/** As the API server tells of a pod: first without addresses, then with what ADD gave it. */
async function openPod({ name, node, netns, api, scratch, closers }: NewPod): Promise<PodEnd> {
  const nodeName = node.facts.name
  api.change(podObject(name, nodeName, []))
  const shim = { program: findShim(import.meta.dirname), runDir: join(scratch, nodeName) }
  const sandbox = { containerId: name, netns, namespace: NAMESPACE, name, uid: name }
  const addresses = await attach(shim, sandbox)
  api.change(podObject(name, nodeName, addresses))
  return openEnd(name, netns, addresses.map(formatAddress), closers)
}
