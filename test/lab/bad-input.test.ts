import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import * as fs from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as v from 'valibot'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { revisionOf } from '../../src/cluster/directory.ts'
import { addressPlan } from '../../src/lab/address-plan.ts'
import { Lab } from '../../src/lab/lab.ts'
import type { LabHost } from '../../src/lab/lab.ts'
import { readLabManifests } from '../../src/lab/lab-manifests.ts'
import { LAB_ROOTS, labPaths } from '../../src/lab/lab-paths.ts'
import type { Probe } from '../../src/lab/probe.ts'
import { type Address, formatAddress, ip4, type Ip4 } from '../../src/policy/address.ts'
import { SLUICE } from '../built-sluice.ts'
import { pod, policy } from './shop-manifests.ts'

/** Bad input while a node runs: what was accepted stays in force, held against packets, and everything goes on. */
const root = join(import.meta.dirname, '..', '..')
const base = mkdtempSync(join(tmpdir(), 'sluice-bad-'))
const ID = 'bad'
const host: LabHost = {
  roots: { ...LAB_ROOTS, state: join(base, 'state'), netns: join(base, 'netns') },
  pid: process.pid,
  // No guard: what a test changes in the table by hand is to stay so.
  sluice: ['sh', '-c', 'exec "$0" "$@" --guard off', ...SLUICE],
  shim: join(root, 'native', 'build', 'sluice-cni'),
  progress: () => {},
}
const lab = new Lab({ id: ID, nodes: ['node-1'], plan: addressPlan([4, 6]) }, host)
/** The directory that the agent watches. */
const watched = labPaths(host.roots, ID).manifests

beforeAll(async () => {
  await lab.start()
  await apply(GOOD)
})
afterAll(async () => {
  await lab.stop()
  rmSync(base, { recursive: true })
})

const PODS = ['web', 'api', 'db'].map(pod).join('')
const GOOD = policy(
  'db',
  '{podSelector: {matchLabels: {app: db}}, ingress: [{from: [{podSelector: {matchLabels: {app: api}}}]}]}',
)
const BAD = GOOD.replace('ingress:', 'ingres:')

async function apply(policies: string): Promise<void> {
  const directory = mkdtempSync(join(base, 'manifests-'))
  writeFileSync(join(directory, 'all.yaml'), `${PODS}${policies}`)
  const { manifests } = await readLabManifests(directory, 1)
  await lab.apply(manifests)
}

/** Puts a file beside those of the lab, or in their place, and waits until the agent is done with it. */
async function write(name: string, text: string): Promise<void> {
  await fs.writeFile(join(watched, `${name}.new`), text)
  await fs.rename(join(watched, `${name}.new`), join(watched, name))
  const revision = await revisionOf(watched, fs)
  await Promise.all(lab.nodes.map(({ agent }) => agent.untilRevision(revision, 20_000)))
}

/** Who reaches whom on port 80, in both families alike. */
async function arrivals(): Promise<string[]> {
  const names = ['web', 'api', 'db']
  const probes = names.flatMap((from) =>
    names
      .filter((to) => to !== from)
      .map((to): Probe => ({ ...TCP_80, from: `shop/${from}`, to: `shop/${to}` })),
  )
  const { results } = await lab.probe(probes)
  const pairs = results.map(({ from, to, actual }) => `${from} ${to} ${actual}`)
  expect(pairs).toHaveLength(2 * new Set(pairs).size)
  return results
    .filter(({ actual }) => actual === 'allow')
    .map(({ from, to }) => `${from.slice(5)}>${to.slice(5)}`)
    .filter((pair, index, all) => all.indexOf(pair) === index)
    .toSorted()
}

const TCP_80 = { port: 80, protocol: 'TCP' } as const

/** The policy of the database in force, and nothing else. */
const ACCEPTED = ['api>db', 'api>web', 'db>api', 'db>web', 'web>api']

async function agentLog(): Promise<string> {
  return fs.readFile(join(labPaths(host.roots, ID).nodeRunDir(0), 'agent.log'), 'utf8')
}

const WAIT = { timeout: 20_000, interval: 20 }

function nft(command: string): void {
  execFileSync('nsenter', [`--net=${node().netns}`, 'nft', command])
}

function isIPv4(address: Address): address is Ip4 {
  return typeof address === 'number'
}

// In this order: each test goes on with the lab as the one before left it.
describe('a policy that becomes invalid', () => {
  test('keeps its last accepted version, and a good one beside it comes into force', async () => {
    expect(await arrivals()).toEqual(ACCEPTED)
    const web = policy('web', '{podSelector: {matchLabels: {app: web}}, ingress: []}')
    await apply(`${BAD}${web}`)
    expect(await arrivals()).toEqual(['api>db', 'db>api', 'web>api'])
    expect(await agentLog()).toMatch(
      /NetworkPolicy shop\/db spec\.ingres: is not a field of this object; did you mean ingress\?/,
    )
  })

  test('is forgotten when it goes, and closes when it comes back as it was', async () => {
    await apply('')
    expect(await arrivals()).toEqual(['api>db', 'api>web', 'db>api', 'db>web', 'web>api', 'web>db'])
    await apply(BAD)
    expect(await arrivals()).toEqual(['api>web', 'web>api'])
    await apply(GOOD)
    expect(await arrivals()).toEqual(ACCEPTED)
  })
})

describe('a file that becomes malformed', () => {
  test('loses nothing that was read from it, and a good one beside it counts', async () => {
    await write('objects.yaml', 'kind: [\n')
    expect(await arrivals()).toEqual(ACCEPTED)
    await write('web.yaml', GOOD.replace('name: db', 'name: web').replace('app: api', 'app: web'))
    expect(await arrivals()).toEqual([...ACCEPTED, 'web>db'])
    expect(await agentLog()).toMatch(/objects\.yaml:\d+: document 1: malformed YAML: /)
  })

  test('of bytes that are no text is told, and spoils nothing', async () => {
    await write('web.yaml', '')
    await fs.writeFile(join(watched, 'noise.yaml'), Buffer.from([0xff, 0xfe, 0, 1]))
    await write('web.yaml', '---\n')
    expect(await arrivals()).toEqual(ACCEPTED)
    expect(await agentLog()).toMatch(/noise\.yaml: the file is not UTF-8 text/)
    await fs.rm(join(watched, 'noise.yaml'))
    await apply(GOOD)
  })
})

const cniError = v.strictObject({
  cniVersion: v.string(),
  code: v.number(),
  msg: v.string(),
  details: v.optional(v.string()),
})
type CniFault = v.InferOutput<typeof cniError>

function node() {
  const [first] = lab.nodes
  if (first === undefined) throw new Error('The lab has no node.')
  return first
}

const CONFIGURATION = '{"cniVersion":"1.1.0","name":"sluice","type":"sluice-cni"}'
/** A sandbox that there is not: whatever is wrong with the input is found before anything is made. */
const SANDBOX = {
  CNI_COMMAND: 'ADD',
  CNI_CONTAINERID: 'stranger',
  CNI_NETNS: '/run/netns/nowhere',
  CNI_IFNAME: 'eth0',
  CNI_ARGS: 'K8S_POD_NAMESPACE=shop;K8S_POD_NAME=stranger',
}

/** What the real shim says and exits with, of the real agent. */
async function callShim(environment: NodeJS.ProcessEnv, stdin: Uint8Array | string) {
  const child = spawn(host.shim, {
    env: {
      ...SANDBOX,
      ...environment,
      SLUICE_CNI_SOCKET: join(node().runDir, 'cni.sock'),
      SLUICE_CNI_DELETE_DIR: join(node().runDir, 'del'),
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  // It refuses what is too large before it has read all of it.
  child.stdin.on('error', () => {})
  child.stdin.end(stdin)
  const [stdout, [code, signal]] = await Promise.all([child.stdout.toArray(), once(child, 'close')])
  return { code: Number(code), signal: Boolean(signal), body: Buffer.concat(stdout).toString() }
}

async function faultOf(environment: NodeJS.ProcessEnv, stdin: Uint8Array | string) {
  const { code, signal, body } = await callShim(environment, stdin)
  expect({ failed: code !== 0, signal }).toEqual({ failed: true, signal: false })
  return v.parse(cniError, JSON.parse(body))
}

describe('CNI input that is truncated or hostile is one CNI error with exit code 1', () => {
  test.each<[string, Uint8Array | string, number, RegExp]>([
    ['nothing', '', 6, /^The network configuration on stdin is not JSON/],
    [
      'half of it',
      CONFIGURATION.slice(0, 30),
      6,
      /^The network configuration on stdin is not JSON/,
    ],
    ['bytes', Uint8Array.of(0xff, 0, 1), 6, /its network configuration is not UTF-8/],
    ['brackets', '['.repeat(900_000), 6, /^The network configuration on stdin is not JSON/],
    ['a list', '[]', 7, /^The network configuration must be an object/],
    [
      'an empty object',
      '{}',
      1,
      /^The network configuration has no cniVersion, .*; sluice speaks /,
    ],
    ['null', 'null', 7, /^The network configuration must be /],
    ['no name', '{"cniVersion":"1.1.0"}', 7, /^The network configuration's name /],
    ['a number for a name', '{"cniVersion":"1.1.0","name":7}', 7, /'s name must be string, not 7/],
    ['a name with a path', '{"cniVersion":"1.1.0","name":"../x"}', 7, /'s name must begin with/],
    ['no link', CONFIGURATION.replace('}', ',"mtu":1}'), 7, /'s mtu must be at least 1280/],
    ['the future', '{"cniVersion":"9.9.9","name":"a"}', 1, /cniVersion "9\.9\.9"; sluice speaks /],
    ['too much', Buffer.alloc((1 << 20) + 1, ' '), 6, /on stdin is larger than 1 MiB/],
  ])('stdin: %s', async (_what, stdin, code, sentence) => {
    const fault = await faultOf({}, stdin)
    expect(fault).toMatchObject<Partial<CniFault>>({ code })
    expect(fault.msg).toMatch(sentence)
    expect(JSON.stringify(fault).length).toBeLessThan(1000)
  })

  test.each<[string, NodeJS.ProcessEnv, number, RegExp]>([
    ['an unknown command', { CNI_COMMAND: 'REBOOT' }, 4, /CNI_COMMAND/],
    ['no container', { CNI_CONTAINERID: '' }, 4, /^CNI_CONTAINERID is missing/],
    ['a path for a container', { CNI_CONTAINERID: '../../etc' }, 4, /^CNI_CONTAINERID must be /],
    ['a path for an interface', { CNI_IFNAME: 'a/b' }, 4, /^CNI_IFNAME must be /],
    ['a namespace that is none', { CNI_NETNS: 'x' }, 4, /^CNI_NETNS must be an absolute path/],
    ['a namespace that is gone', {}, 3, /\/run\/netns\/nowhere/],
    ['a file for a namespace', { CNI_NETNS: '/etc/passwd' }, 103, /\/etc\/passwd/],
    ['no pod', { CNI_ARGS: '' }, 4, /^CNI_ARGS has no K8S_POD_NAMESPACE/],
    [
      'a name that is none',
      { CNI_ARGS: 'K8S_POD_NAMESPACE=shop;K8S_POD_NAME=../db' },
      4,
      /^K8S_POD_NAME must be the name of a pod, not "\.\.\/db"/,
    ],
    ['too much', { CNI_ARGS: 'x'.repeat(70_000) }, 4, /larger than 64 KiB/],
  ])('environment: %s', async (_what, environment, code, sentence) => {
    const fault = await faultOf(environment, CONFIGURATION)
    expect(fault.code).toBe(code)
    expect(fault.msg).toMatch(sentence)
  })
})

/** The reply to these bytes, whatever becomes of the connection. */
async function ask(bytes: Uint8Array): Promise<Buffer> {
  const socket = connect(join(node().runDir, 'cni.sock'))
  socket.on('error', () => {})
  socket.end(bytes)
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  await once(socket, 'close')
  return Buffer.concat(chunks)
}

function frame(environmentBytes: number, stdinBytes: number, rest: Uint8Array | string): Buffer {
  const header = Buffer.from('SLC1........')
  header.writeUInt32LE(environmentBytes, 4)
  header.writeUInt32LE(stdinBytes, 8)
  return Buffer.concat([header, Buffer.from(rest)])
}

describe('frames on the socket of a running agent', () => {
  test.each([
    ['another protocol', Buffer.from('GET / HTTP/1.1\r\n\r\n'), /does not begin with SLC1/],
    ['an environment of 4 GiB', frame(0xffff_ffff, 0, 'x'), /environment.* is over the limit/],
    ['a configuration of 4 GiB', frame(0, 0xffff_ffff, 'x'), /configuration.* is over the limit/],
    [
      'one byte over the limit, all of it sent',
      frame(0, (1 << 20) + 1, Buffer.alloc((1 << 20) + 1)),
      /is over the limit of 1048576 bytes/,
    ],
  ])('%s is a CNI error that says so', async (_what, bytes, sentence) => {
    const reply = await ask(bytes)
    expect(reply.subarray(0, 8).toString('latin1')).toBe('SLC1\u0001\0\0\0')
    const fault = v.parse(cniError, JSON.parse(reply.subarray(12).toString()))
    expect(fault.code).toBe(6)
    expect(fault.msg).toMatch(sentence)
  })

  test('a frame cut short gets no reply', async () => {
    expect(await ask(frame(100, 100, 'CNI_COMMAND=DEL'))).toHaveLength(0)
  })
})

test('a change that the kernel refuses is told with its object, tried again, and in force in the end', async () => {
  const database = lab.pods.find(({ key }) => key === 'shop/db')?.addresses.find(isIPv4)
  const element = `element inet sluice in_pods4 { ${formatAddress(ip4(database ?? 0))} }`
  // What the agent is about to delete is not there any more.
  nft(`delete ${element}`)
  const applied = apply('')
  await vi.waitFor(async () => expect(await agentLog()).toMatch(REFUSAL), WAIT)
  nft(`add ${element}`)
  await applied
  expect(await arrivals()).toContain('web>db')
  await apply(GOOD)
})

const REFUSAL =
  /"msg":"The kernel refused a change to table inet sluice, .* element in set in_pods4 .*: ENOENT/

test('after all of this the pods are as they were, and new ones come and go', async () => {
  expect(await arrivals()).toEqual(ACCEPTED)
  const { code, body } = await callShim({ CNI_COMMAND: 'VERSION' }, CONFIGURATION)
  expect(code).toBe(0)
  expect(body).toContain('"supportedVersions"')
  await apply(`${GOOD}${pod('late')}`)
  const { results } = await lab.probe([{ ...TCP_80, from: 'shop/late', to: 'shop/web' }])
  expect(results.map(({ actual }) => actual)).toEqual(['allow', 'allow'])
})
