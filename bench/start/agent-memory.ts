import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import * as v from 'valibot'
import { askAgent } from '../../src/cli/ask-agent.ts'
import { findShim } from '../../src/cli/find-shim.ts'
import { RESOURCES } from '../../src/cluster/kubernetes/resources.ts'
import { type Call, Launcher } from '../cni/launcher.ts'
import { makeNamespaces, type NodeNamespaces } from '../cni/node-namespaces.ts'
import { kubeconfig } from '../harness/kubeconfig.ts'
import { AGENT_ENVIRONMENT, AGENT_FLAGS, startChild } from './child.ts'
import {
  BENCH_NODE,
  type ClusterSize,
  clusterTexts,
  LOCAL_PODS,
  NODE_ADDRESS,
} from './cluster-texts.ts'
import { type Rss, settledRss } from './settled-rss.ts'
import { sizeArguments } from './size-arguments.ts'

const MAIN = join(import.meta.dirname, '..', '..', 'dist', 'main.js')
const READY_WITHIN_MS = 120_000
const POLL_MS = 50

/**
 * Resident memory of the agent as it runs in a cluster: the bundle with the image's settings, the objects from an
 * API server, the pods of its node attached by the shim.
 *
 * @param scratch a directory that is not there yet
 * @throws Error when the agent does not come up, or has other pods and policies in force than there are
 */
export async function agentMemory(
  size: ClusterSize,
  scratch: string,
  quietMs: number,
): Promise<Rss> {
  mkdirSync(scratch)
  const pods = localPods(size)
  const namespaces = makeNamespaces(
    `sluice-mem-${process.pid}-`,
    pods.map(({ name }) => name),
  )
  const server = startChild('api-server.ts', [namespaces.node, ...sizeArguments(size)], [])
  let agent: ChildProcess | undefined
  try {
    giveAddress(namespaces.node)
    agent = startAgent(String(await server.next()), namespaces.node, scratch)
    await untilReady(agent, scratch)
    await attach(pods, namespaces, scratch)
    const rss = await settledRss(agent.pid ?? 0, quietMs)
    await checkStatus(join(scratch, 'run', 'agent.sock'))
    return rss
  } finally {
    if (agent !== undefined) await end(agent)
    await server.end()
    namespaces.remove()
  }
}

/** What the node sends to its pods comes from there. */
function giveAddress(netns: string): void {
  const command = ['ip', 'address', 'add', `${NODE_ADDRESS}/32`, 'dev', 'lo']
  execFileSync('nsenter', [`--net=${netns}`, ...command])
}

function startAgent(server: string, netns: string, scratch: string): ChildProcess {
  const access = join(scratch, 'kubeconfig')
  writeFileSync(access, kubeconfig(server))
  const log = openSync(join(scratch, 'agent.log'), 'a')
  const args = [
    'agent',
    `--node=${BENCH_NODE}`,
    `--kubeconfig=${access}`,
    `--run-dir=${join(scratch, 'run')}`,
    `--cni-config=${announcement(scratch)}`,
    '--http-port=9477',
    `--netns=${netns}`,
  ]
  return spawn(process.execPath, [...AGENT_FLAGS, MAIN, ...args], {
    env: AGENT_ENVIRONMENT,
    stdio: ['ignore', log, log],
  })
}

/** What the agent writes last, when it is ready. */
function announcement(scratch: string): string {
  return join(scratch, '10-sluice.conflist')
}

async function untilReady(agent: ChildProcess, scratch: string): Promise<void> {
  const end = performance.now() + READY_WITHIN_MS
  while (!existsSync(announcement(scratch))) {
    if (agent.exitCode !== null || performance.now() > end) {
      const log = readFileSync(join(scratch, 'agent.log'), 'utf8')
      throw new Error(`The agent did not become ready: ${log.slice(-2000)}`)
    }
    await delay(POLL_MS)
  }
}

interface LocalPod {
  readonly namespace: string
  readonly name: string
  readonly uid: string
}

const podSchema = v.object({
  metadata: v.object({ namespace: v.string(), name: v.string(), uid: v.string() }),
})

function localPods(size: ClusterSize): LocalPod[] {
  const path = RESOURCES.find(({ object }) => object === 'pod')?.path ?? ''
  return (clusterTexts(size).get(path) ?? [])
    .filter((one) => one.includes(`"nodeName":"${BENCH_NODE}"`))
    .map((one) => v.parse(podSchema, JSON.parse(one)).metadata)
}

async function attach(
  pods: readonly LocalPod[],
  { node, podNamespaceOf }: NodeNamespaces,
  scratch: string,
): Promise<void> {
  const config = join(scratch, 'network.json')
  writeFileSync(config, '{"cniVersion":"1.0.0","name":"bench","type":"sluice-cni"}')
  const target = { netns: node, program: findShim(import.meta.dirname), config }
  const calls = pods.map(
    ({ namespace, name, uid }): Call => ({
      SLUICE_CNI_SOCKET: join(scratch, 'run', 'cni.sock'),
      CNI_PATH: '/opt/cni/bin',
      CNI_COMMAND: 'ADD',
      CNI_CONTAINERID: uid,
      CNI_NETNS: podNamespaceOf(name),
      CNI_IFNAME: 'eth0',
      CNI_ARGS: `IgnoreUnknown=1;K8S_POD_NAMESPACE=${namespace};K8S_POD_NAME=${name};K8S_POD_UID=${uid}`,
    }),
  )
  await new Launcher(scratch).run('serial', target, calls)
}

const statusSchema = v.object({
  pods: v.literal(LOCAL_PODS),
  policies: v.literal(LOCAL_PODS),
  commitRefused: v.null(),
})

/** Each of its pods is of another application, which has a policy. */
async function checkStatus(socketPath: string): Promise<void> {
  v.parse(statusSchema, JSON.parse(await askAgent(socketPath, '/status')))
}

async function end(agent: ChildProcess): Promise<void> {
  if (agent.exitCode !== null || agent.signalCode !== null) return
  const ended = once(agent, 'exit')
  agent.kill('SIGTERM')
  await ended
}
