import { setImmediate } from 'node:timers/promises'
import { pino } from 'pino'
import { Enforcer, type Force } from '../../src/agent/enforcer.ts'
import { openKernel } from '../../src/agent/kernel.ts'
import { parseManifestFiles } from '../../src/cluster/files.ts'
import { MANIFEST_KINDS, readManifests } from '../../src/cluster/manifests.ts'
import { ClusterState } from '../../src/cluster/state.ts'
import { inspectPod } from '../../src/dataplane/inspect-pod.ts'
import { enterNamespace } from '../../src/netlink/native.ts'
import { type Attachment, attachmentIdOf } from '../../src/pods/attachment.ts'
import { parseCidr } from '../../src/policy/address.ts'
import { Compiler } from '../../src/policy/compile.ts'
import { bringIntoForce } from './bring-into-force.ts'
import { CHAINS } from './chains.ts'
import { monotonicMs } from './monotonic.ts'
import type { NodeAnswer, NodeQuestion, PodPlan, StartOrder } from './node-messages.ts'
import { BENCH_NODE, POD_RANGES, uidOf } from './node-objects.ts'

/**
 * The process of an `EnforcingNode`: enforcer, data plane and wiring put together as the agent has them, without
 * its sources and its CNI server, so that each step can be timed and its order be changed. Its argument is the
 * path of the node's namespace.
 */
const [, , netns = ''] = process.argv
enterNamespace(netns)
const log = pino({ level: 'error' }, pino.destination(2))
const kernel = openKernel({ procSys: '/proc/sys', logGroup: 100, log })
const wiring = kernel.wiring({
  podCidrs: POD_RANGES.flatMap((text) => parseCidr(text)?.cidr ?? []),
  nodeAddresses: [],
  mtu: 1500,
  localhostHostPorts: false,
})
const enforcer = await openEnforcer()
process.on('message', (question: NodeQuestion) => {
  void answer(question)
    .catch((error: unknown): NodeAnswer => {
      return { kind: 'error', message: error instanceof Error ? error.message : String(error) }
    })
    .then(send)
})
// Whoever asks has ended.
process.on('disconnect', () => process.exit())
send({ kind: 'ready' })

function send(message: NodeAnswer): void {
  process.send?.(message)
}

async function answer(question: NodeQuestion): Promise<NodeAnswer> {
  switch (question.kind) {
    case 'apply':
      return { kind: 'applied', handedAtMs: await apply(question.text) }
    case 'start':
      return { kind: 'started', upAtMs: await start(question.pod, question.order) }
    case 'remove':
      await remove(question.pods)
      return { kind: 'removed' }
  }
}

async function apply(text: string): Promise<number> {
  const content = { kind: 'bytes', bytes: Buffer.from(text) } as const
  const files = [{ path: 'objects.yaml', content }]
  const parsed = await parseManifestFiles({ files, revision: '' })
  const { changes, problems } = readManifests(parsed, { nodes: [BENCH_NODE] })
  if (problems[0] !== undefined) throw new Error(problems[0].message)
  const handedAtMs = monotonicMs()
  await enforcer.tell((state) => state.replace(MANIFEST_KINDS, changes))
  if (enforcer.refusal !== undefined) throw enforcer.refusal
  return handedAtMs
}

/** The steps of ADD (src/cni/add.ts) that the kernel sees. */
async function start(pod: PodPlan, order: StartOrder): Promise<number> {
  const attachment = attachmentOf(pod)
  const links = wiring.create(attachment, pod.netns)
  if (order === 'policy-first') await enforcer.attach(attachment)
  wiring.raise(attachment, pod.netns, links)
  const upAtMs = monotonicMs()
  if (order === 'link-first') await enforcer.attach(attachment)
  return upAtMs
}

async function remove(pods: readonly PodPlan[]): Promise<void> {
  const attachments = pods.map(attachmentOf)
  wiring.disconnect(attachments.flatMap(({ addresses }) => addresses))
  await enforcer.detach(attachments)
  await wiring.remove(attachments.map(({ hostInterface }) => hostInterface))
}

function attachmentOf({ name, addresses }: PodPlan): Attachment {
  const containerId = uidOf(name)
  const id = attachmentIdOf({ containerId, ifName: 'eth0' })
  return {
    id,
    network: 'bench',
    pod: { namespace: 'bench', name, uid: containerId },
    containerId,
    ifName: 'eth0',
    hostInterface: id,
    addresses,
    portMappings: [],
    wiredBy: 'sluice',
  }
}

/** What `startAgent` does on a node that is new. */
async function openEnforcer(): Promise<Enforcer> {
  const compiler = new Compiler()
  const opened = new Enforcer({
    node: BENCH_NODE,
    state: new ClusterState(),
    compiler,
    unknownPods: 'isolate',
    onRefused: (error) => log.error({ err: error }, error.message),
    setTimer: (callback, delayMs) => setTimeout(callback, delayMs).unref(),
    yieldToOthers: () => setImmediate(),
  })
  await opened.begin(async (): Promise<Force> => {
    const dataplane = await bringIntoForce(kernel.nftables, () => compiler.tables())
    return {
      dataplane,
      inspectPod: (place) => inspectPod(place, dataplane.state, CHAINS, kernel.nftables),
      revocation: await kernel.revocation(() => dataplane.tables()),
      lookUp: undefined,
    }
  })
  return opened
}
