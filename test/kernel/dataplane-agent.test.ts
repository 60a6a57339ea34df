import * as fs from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { revisionOf } from '../../src/cluster/directory.ts'
import { AgentProcess } from '../../src/lab/agent-process.ts'
import { attach } from '../../src/lab/shim.ts'
import { createNamespace, deleteNamespace } from '../../src/netlink/native.ts'
import { address, cidr } from '../policy/literals.ts'
import type { Address } from '../../src/policy/address.ts'
import { SLUICE } from '../built-sluice.ts'
import { type Flow, type FloodedNode, openFloodedNode } from './flood.ts'

/** The real agent, killed and started again while packets to a pod that it wired are flying. */
const ROOT = join(import.meta.dirname, '../..')
const POD = `/run/netns/slcfl-pod-${process.pid}`
const UID = 'uid-of-server'
const CLIENTS = { good: ['10.9.0.2', 'fd99::2'], bad: ['10.9.0.3', 'fd99::3'] }
const DEATHS = 5
/** `--deny` is part of the program. */
const VERSIONS = ['--deny=drop', '--deny=reject']
const flags: string[] = []

let node: FloodedNode
let directory: string
let agent: AgentProcess
const stopping = new AbortController()

beforeEach(async () => {
  node = openFloodedNode('agent')
  createNamespace(POD)
  directory = await fs.mkdtemp(join(tmpdir(), 'sluice-flood-'))
  await fs.mkdir(join(directory, 'manifests'))
  agent = new AgentProcess({
    sluice: SLUICE,
    node: 'n0',
    addresses: { own: [], podCidrs: [cidr('10.77.0.0/24'), cidr('fd77::/64')] },
    manifests: join(directory, 'manifests'),
    runDir: join(directory, 'run'),
    netns: node.netns,
    stopping: stopping.signal,
    flags,
  })
})

afterEach(async () => {
  await agent.kill()
  deleteNamespace(POD)
  node.close()
  await fs.rm(directory, { recursive: true })
})

test.each([
  { by: 'its like', versions: VERSIONS.slice(0, 1), table: 'adopted' },
  { by: 'another version of the program', versions: VERSIONS, table: 'installed' },
])(
  'kill -9 of an agent in the middle of its work, again and again, with $by next: no packet gets a wrong verdict',
  async ({ versions, table }) => {
    await propose(0)
    flags.splice(0, 1, versions[0] ?? '')
    await agent.start()
    await followed()
    const sandbox = { containerId: 'c1', netns: POD, namespace: 'shop', name: 'server', uid: UID }
    const shim = { program: join(ROOT, 'native/build/sluice-cni'), runDir: join(directory, 'run') }
    const flows = flowsTo(await attach(shim, sandbox))

    const tally = await node.flood(flows, async () => {
      for (let death = 1; death <= DEATHS; death += 1) {
        await propose(2 * death - 1)
        await agent.kill()
        await propose(2 * death)
        flags.splice(0, 1, versions[death % versions.length] ?? '')
        await agent.start()
        await followed()
      }
    })
    const { allowed, denied, packetsPerSecond } = tally
    console.log(
      `flood, ${DEATHS} deaths, each ${table}: ${allowed.met} allowed packets of which ${allowed.met - allowed.passed} were lost, ` +
        `${denied.met} denied of which ${denied.passed} passed, ${packetsPerSecond} packets/s`,
    )
    expect(await starts()).toEqual(['installed', ...Array.from({ length: DEATHS }, () => table)])
    expect(allowed.met).toBeGreaterThan(1000n)
    expect(denied.met).toBeGreaterThan(1000n)
    expect({ lost: allowed.met - allowed.passed, leaked: denied.passed }).toEqual({
      lost: 0n,
      leaked: 0n,
    })
  },
)

/** All let `good` reach port 80 of the server, and never port 95, and `bad` nothing that is sent here. */
const RULES: readonly object[] = [
  { from: [apps('good')], ports: [udp(80)] },
  { ports: [udp(70, 80)] },
  { from: [apps('good'), { ipBlock: { cidr: '10.8.0.0/16' } }], ports: [udp(80, 90)] },
  { from: [apps('good'), apps('server')], ports: [udp(1, 94)] },
]

async function propose(version: number): Promise<void> {
  const spec = {
    podSelector: apps('server').podSelector,
    ingress: RULES.slice(version % 4).slice(0, 1),
  }
  const policy = {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { namespace: 'shop', name: 'server', labels: { version: `v${version}` } },
    spec,
  }
  const clients = Object.entries(CLIENTS).map(([name, ips]) => podObject(name, `uid-${name}`, ips))
  const objects = [policy, podObject('server', UID, []), ...clients]
  const text = objects.map((object) => `---\n${JSON.stringify(object)}\n`).join('')
  await fs.writeFile(join(directory, 'objects.new'), text)
  await fs.rename(join(directory, 'objects.new'), join(directory, 'manifests', 'objects.yaml'))
}

async function followed(): Promise<void> {
  const revision = await revisionOf(join(directory, 'manifests'), fs)
  await agent.untilRevision(revision, 20_000)
}

/** What each agent found, by its own words. */
async function starts(): Promise<unknown[]> {
  const log = await fs.readFile(join(directory, 'run', 'agent.log'), 'utf8')
  const lines: Record<string, unknown>[] = log
    .split('\n')
    .flatMap((line) => (line.startsWith('{') ? [JSON.parse(line)] : []))
  return lines.filter(({ event }) => event === 'agent.ready').map(({ table }) => table)
}

function podObject(name: string, uid: string, ips: readonly string[]): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace: 'shop', name, uid, labels: { app: name } },
    spec: { nodeName: 'n0', containers: [{ name: 'main', image: 'none' }] },
    status: { podIPs: ips.map((ip) => ({ ip })) },
  }
}

function apps(app: string) {
  return { podSelector: { matchLabels: { app } } }
}

function udp(port: number, endPort = port): object {
  return { protocol: 'UDP', port, endPort }
}

function flowsTo(server: readonly Address[]): Flow[] {
  const flow = (client: readonly string[], to: Address, port: number): Omit<Flow, 'verdict'> => {
    return { from: address(client[typeof to === 'number' ? 0 : 1] ?? ''), to, port }
  }
  return server.flatMap((to): Flow[] => [
    { ...flow(CLIENTS.good, to, 80), verdict: 'allowed' },
    { ...flow(CLIENTS.good, to, 95), verdict: 'denied' },
    { ...flow(CLIENTS.bad, to, 95), verdict: 'denied' },
  ])
}
