import { execFileSync, spawn } from 'node:child_process'
import fs from 'node:fs'
import fsPromises from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { drainDelQueue } from '../../src/cni/del-queue.ts'
import { createInTurn } from '../../src/cni/in-turn.ts'
import { type CniServer, serveCni } from '../../src/cni/server.ts'
import { createHandler } from '../../src/cni/verbs.ts'
import { NETLINK_ROUTE } from '../../src/netlink/constants.ts'
import {
  createNamespace,
  deleteNamespace,
  writeFilesInNamespace,
} from '../../src/netlink/native.ts'
import { openNetlink } from '../../src/netlink/socket.ts'
import type { Attachment } from '../../src/pods/attachment.ts'
import { Ipam } from '../../src/pods/ipam.ts'
import { Reaper } from '../../src/pods/reaper.ts'
import { Records } from '../../src/pods/records.ts'
import { takeOver, type TakenOver } from '../../src/pods/take-over.ts'
import { nodeSettings } from '../../src/pods/settings.ts'
import { writeSettings } from '../../src/pods/write-settings.ts'
import { createWiring } from '../../src/pods/wiring.ts'
import { blockOf, formatAddress, ip4, ip6 } from '../../src/policy/address.ts'
import type { Address, Cidr } from '../../src/policy/address.ts'
import { type End, exchange, watchResolution } from './pods-traffic.ts'

/**
 * Real namespaces, the real shim and its socket; only policy is a stand-in that writes down what it sees.
 * `ip` is the oracle, so the namespaces lie where it looks for them.
 */
const PREFIX = `slcpods${process.pid}`
const NODE = `${PREFIX}n`
const POD_A = `${PREFIX}a`
const POD_B = `${PREFIX}b`
const SHIM = join(import.meta.dirname, '../../native/build/sluice-cni')
const NODE_ADDRESS4 = ip4(0xc000_0201)
const NODE_ADDRESS6 = ip6((0xfd00_ffffn << 96n) | 1n)

const RANGE4 = blockOf(ip4(0x0a_4d_00_00), 24)
const RANGE6 = blockOf(ip6(0xfd77n << 112n), 64)
const HOST_MAC = 'ee:ee:ee:ee:ee:ee'

type Json = Record<string, unknown>

const pathOf = (namespace: string): string => `/run/netns/${namespace}`

function ip(namespace: string, ...args: string[]): Json[] {
  const text = execFileSync('ip', ['-n', namespace, '-j', '-d', ...args], { encoding: 'utf8' })
  const parsed: unknown = text.trim() === '' ? [] : JSON.parse(text)
  if (!Array.isArray(parsed)) throw new Error(text)
  return parsed.filter((item: Json) => Object.keys(item).length > 0)
}

/** Names of what is left of any pod on the node. */
function hostInterfaces(): string[] {
  return ip(NODE, 'link')
    .map((link) => String(link['ifname']))
    .filter((name) => name.startsWith('slc'))
}

interface Agent {
  readonly records: Records
  readonly ipam: Ipam
  readonly reaper: Reaper
  readonly log: string[]
  readonly problems: string[]
  readonly takenOver: TakenOver
  /** What `attach` does after it has been logged. */
  onAttach: () => void
  close(): Promise<void>
}

let root: string
let agent: Agent

beforeEach(async () => {
  root = fs.mkdtempSync(join(tmpdir(), 'sluice-pods-'))
  fs.mkdirSync('/run/netns', { recursive: true })
  for (const namespace of [NODE, POD_A, POD_B]) createNamespace(pathOf(namespace))
  execFileSync('ip', ['-n', NODE, 'link', 'set', 'lo', 'up'])
  execFileSync('ip', ['-n', NODE, 'addr', 'add', `${formatAddress(NODE_ADDRESS4)}/32`, 'dev', 'lo'])
  execFileSync('ip', [
    '-n',
    NODE,
    'addr',
    'add',
    `${formatAddress(NODE_ADDRESS6)}/128`,
    'dev',
    'lo',
  ])
  agent = await startAgent()
})

afterEach(async () => {
  await agent.close()
  for (const namespace of [POD_A, POD_B, NODE]) deleteNamespace(pathOf(namespace))
  fs.rmSync(root, { recursive: true })
})

describe('ADD', () => {
  test('wires a pod whose link was down while its policy was put into force', async () => {
    const { status, result } = await shim('ADD', POD_A)
    expect(result).toMatchObject({
      cniVersion: '1.1.0',
      interfaces: [
        { name: expect.stringMatching(/^slc[0-9a-f]{12}$/u), mac: HOST_MAC, mtu: 1400 },
        { name: 'eth0', mac: '5a:4c:0a:4d:00:02', mtu: 1400, sandbox: pathOf(POD_A) },
      ],
      ips: [
        { address: '10.77.0.2/32', gateway: '169.254.1.1', interface: 1 },
        { address: 'fd77::1/128', gateway: 'fe80::1', interface: 1 },
      ],
    })
    expect(status).toBe(0)
    expect(agent.log).toEqual([`attach ${POD_A} down`])
  })

  test('makes both ends with one queue for each direction', async () => {
    await shim('ADD', POD_A)
    const [name = ''] = hostInterfaces()
    const one = [{ num_tx_queues: 1, num_rx_queues: 1 }]
    expect(ip(NODE, '-d', 'link', 'show', name)).toMatchObject(one)
    expect(ip(POD_A, '-d', 'link', 'show', 'eth0')).toMatchObject(one)
  })

  test('leaves the node with routes, neighbours and settings that need no resolution', async () => {
    await shim('ADD', POD_A)
    const [name = ''] = hostInterfaces()
    const [link] = ip(NODE, 'link', 'show', name)
    expect(link).toMatchObject({ address: HOST_MAC, mtu: 1400, linkinfo: { info_kind: 'veth' } })
    expect(link?.['flags']).toEqual(expect.arrayContaining(['NOARP', 'UP', 'LOWER_UP']))
    const neighbour = { lladdr: '5a:4c:0a:4d:00:02', state: ['PERMANENT'] }
    expect(ip(NODE, 'neigh', 'show', 'dev', name)).toMatchObject([
      { ...neighbour, dst: '10.77.0.2' },
      { ...neighbour, dst: 'fd77::1' },
    ])
    expect(ip(NODE, '-4', 'route', 'show', 'dev', name)).toMatchObject([
      { dst: '10.77.0.2', scope: 'link', prefsrc: '192.0.2.1' },
    ])
    expect(ip(NODE, '-6', 'route', 'show', 'dev', name)).toContainEqual(
      expect.objectContaining({ dst: 'fd77::1', prefsrc: 'fd00:ffff::1' }),
    )
    expect(
      settings(NODE, [
        `net.ipv4.conf.${name}.accept_redirects`,
        `net.ipv4.conf.${name}.send_redirects`,
        `net.ipv6.conf.${name}.accept_ra`,
        `net.ipv6.conf.${name}.accept_redirects`,
      ]),
    ).toEqual(['0', '0', '0', '0'])
  })

  test('leaves the pod with its addresses, ready at once, and one way out', async () => {
    execFileSync('ip', [
      'netns',
      'exec',
      POD_A,
      'sysctl',
      '-qw',
      'net.ipv6.conf.default.disable_ipv6=1',
    ])
    await shim('ADD', POD_A)
    const links = ip(POD_A, 'addr')
    expect(links.find((link) => link['ifname'] === 'lo')?.['flags']).toContain('UP')
    const pod = links.find((link) => link['ifname'] === 'eth0')
    expect(pod).toMatchObject({ address: '5a:4c:0a:4d:00:02', mtu: 1400 })
    expect(pod?.['flags']).toEqual(expect.arrayContaining(['UP', 'LOWER_UP']))
    expect(pod?.['addr_info']).toMatchObject([
      { local: '10.77.0.2', prefixlen: 32 },
      { local: 'fd77::1', prefixlen: 128, nodad: true },
      { local: 'fe80::584c:aff:fe4d:2' },
    ])
    expect(JSON.stringify(pod)).not.toContain('tentative')
    expect(ip(POD_A, '-4', 'route')).toMatchObject([
      { dst: 'default', gateway: '169.254.1.1', dev: 'eth0' },
      { dst: '169.254.1.1', dev: 'eth0', scope: 'link' },
    ])
    expect(ip(POD_A, '-6', 'route')).toContainEqual(
      expect.objectContaining({ dst: 'default', gateway: 'fe80::1', dev: 'eth0' }),
    )
    expect(ip(POD_A, 'neigh')).toMatchObject([
      { dst: '169.254.1.1', lladdr: HOST_MAC, state: ['PERMANENT'] },
      { dst: 'fe80::1', lladdr: HOST_MAC, state: ['PERMANENT'] },
    ])
  })

  test('in another version and with another MTU, as the configuration says', async () => {
    const { result } = await shim('ADD', POD_A, { config: { cniVersion: '0.4.0', mtu: 1300 } })
    expect(result).toMatchObject({ cniVersion: '0.4.0', ips: [{ version: '4' }, { version: '6' }] })
    expect(ip(POD_A, 'link', 'show', 'eth0')).toMatchObject([{ mtu: 1300 }])
  })

  test('twice is an error, and the pod keeps what it has', async () => {
    await shim('ADD', POD_A)
    const { status, result } = await shim('ADD', POD_A)
    expect(status).toBe(1)
    expect(result).toMatchObject({ code: 100 })
    expect(hostInterfaces()).toHaveLength(1)
    expect(ip(POD_A, 'addr', 'show', 'eth0')).toHaveLength(1)
  })

  test('many at once', async () => {
    const names = ['eth0', 'net1', 'net2', 'net3', 'net4', 'net5']
    const results = await Promise.all(
      names.map((CNI_IFNAME) =>
        shim('ADD', POD_A, { environment: { CNI_IFNAME, CNI_CONTAINERID: CNI_IFNAME } }),
      ),
    )
    // Only one of them can have the default route; the others are undone without a trace.
    expect(results.filter(({ status }) => status === 0)).toHaveLength(1)
    expect(hostInterfaces()).toHaveLength(1)
    expect(agent.ipam.usage().map(({ used }) => used)).toEqual([1, 1])
  })
})

describe('traffic', () => {
  test('between pods, both families, both ways, and nobody asks for a MAC address', async () => {
    const [a, b] = [watchResolution(pathOf(POD_A)), watchResolution(pathOf(POD_B))]
    const node = watchResolution(pathOf(NODE))
    await shim('ADD', POD_A)
    await shim('ADD', POD_B)
    const pod = (namespace: string, host: number, family: 4 | 6, port: number): End => ({
      netns: pathOf(namespace),
      address: family === 4 ? ip4(0x0a_4d_00_01 + host) : ip6((0xfd77n << 112n) + BigInt(host)),
      port,
    })
    for (const family of [4, 6] as const) {
      await exchange(pod(POD_A, 1, family, 4001), pod(POD_B, 2, family, 4002))
      await exchange(pod(POD_B, 2, family, 4003), pod(POD_A, 1, family, 4004))
    }
    await exchange(
      { netns: pathOf(NODE), address: NODE_ADDRESS4, port: 4005 },
      pod(POD_A, 1, 4, 4006),
    )
    expect([...a.stop(), ...b.stop(), ...node.stop()]).toEqual([])
  })

  test('the very first packet arrives, each time', async () => {
    const node = (address: Address): End => ({ netns: pathOf(NODE), address, port: 4007 })
    for (let round = 0; round < 15; round++) {
      await shim('ADD', POD_A)
      const [record] = agent.records.all().filter(({ releasedAt }) => releasedAt === undefined)
      for (const address of record?.addresses ?? []) {
        const own = typeof address === 'number' ? NODE_ADDRESS4 : NODE_ADDRESS6
        await exchange(node(own), { netns: pathOf(POD_A), address, port: 4008 })
      }
      await shim('DEL', POD_A)
    }
    await agent.reaper.reap()
    expect(agent.log).toHaveLength(30)
  })
})

describe('one family only', () => {
  test.each([
    ['IPv4', RANGE4, ['10.77.0.2'], [['169.254.1.1'], []]],
    ['IPv6', RANGE6, ['fd77::1'], [[], ['fe80::1']]],
  ])('%s', async (_, range, addresses, gateways) => {
    await agent.close()
    agent = await startAgent([range])
    expect((await shim('ADD', POD_A)).status).toBe(0)
    const shown = JSON.stringify(ip(POD_A, 'addr', 'show', 'dev', 'eth0', 'scope', 'global'))
    const found = [...shown.matchAll(/"local":"([^"]+)"/gu)].map(([, local]) => local)
    expect(found).toEqual(addresses)
    const defaults = ['-4', '-6'].map((family) =>
      ip(POD_A, family, 'route', 'show', 'default').map((route) => route['gateway']),
    )
    expect(defaults).toEqual(gateways)
  })

  test('a node of IPv4 hears no IPv6 from its pods', async () => {
    await agent.close()
    agent = await startAgent([RANGE4])
    await shim('ADD', POD_A)
    const [name = ''] = hostInterfaces()
    expect(settings(NODE, [`net.ipv6.conf.${name}.disable_ipv6`])).toEqual(['1'])
  })
})

describe('a failed ADD leaves nothing behind', () => {
  afterEach(() => {
    expect(hostInterfaces()).toEqual([])
    expect(agent.ipam.usage().map(({ used }) => used)).toEqual([0, 0])
    expect(agent.records.all().filter(({ releasedAt }) => releasedAt === undefined)).toEqual([])
    expect(ip(POD_A, 'link').map((link) => link['ifname'])).not.toContain('slc')
  })

  /** `ip` arguments that spoil the pod or the node for one step. */
  test.each<[string, number, string, string[]]>([
    [
      'create: the pod has that interface',
      100,
      'eth0',
      ['-n', POD_A, 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'other'],
    ],
    [
      'raise: the node has lost its address',
      103,
      'RTM_NEWROUTE',
      ['-n', NODE, 'addr', 'flush', 'dev', 'lo'],
    ],
    [
      'raise: the pod has another way out',
      103,
      'RTM_NEWROUTE',
      ['-n', POD_A, 'route', 'add', 'default', 'dev', 'lo'],
    ],
  ])('%s', async (_, code, message, spoil) => {
    execFileSync('ip', ['-n', POD_A, 'link', 'set', 'lo', 'up'])
    execFileSync('ip', spoil)
    const { status, result } = await shim('ADD', POD_A)
    expect(result).toMatchObject({ code, msg: expect.stringContaining(message) })
    expect(result['msg']).toContain(`shop/${POD_A} (eth0)`)
    expect(status).toBe(1)
    expect(ip(POD_A, 'addr').filter(({ address }) => address === '5a:4c:0a:4d:00:02')).toEqual([])
  })

  test('create: the namespace is gone, or is something else', async () => {
    const gone = await shim('ADD', POD_A, { environment: { CNI_NETNS: '/run/netns/nowhere' } })
    expect(gone.result).toMatchObject({
      code: 3,
      msg: expect.stringContaining('/run/netns/nowhere'),
    })
    const other = await shim('ADD', POD_A, { environment: { CNI_NETNS: '/etc/hostname' } })
    expect(other.result).toMatchObject({ msg: expect.stringContaining('/etc/hostname') })
    expect(agent.log.filter((line) => line.startsWith('attach'))).toEqual([])
  })

  test('attach: policy is refused', async () => {
    agent.onAttach = () => {
      throw new Error('the kernel refused')
    }
    const { result } = await shim('ADD', POD_A)
    expect(result).toMatchObject({ code: 104, msg: expect.stringContaining('the kernel refused') })
    expect(ip(POD_A, 'link').map((link) => link['ifname'])).toEqual(['lo'])
  })

  test('attach: the pod dies meanwhile', async () => {
    agent.onAttach = () => {
      execFileSync('ip', ['-n', POD_A, 'link', 'delete', 'eth0'])
    }
    expect((await shim('ADD', POD_A)).result).toMatchObject({ code: 103 })
  })
})

describe('DEL', () => {
  test('twice: the link goes before the policy', async () => {
    await shim('ADD', POD_A)
    expect(await shim('DEL', POD_A)).toEqual({ status: 0, result: {} })
    expect(await shim('DEL', POD_A)).toEqual({ status: 0, result: {} })
    await agent.reaper.reap()
    expect(agent.log).toEqual([`attach ${POD_A} down`, `detach ${POD_A} 0 left`])
    expect(ip(POD_A, 'link').map((link) => link['ifname'])).toEqual(['lo'])
    expect(ip(NODE, 'neigh')).toEqual([])
    expect(agent.ipam.usage().map(({ used }) => used)).toEqual([0, 0])
  })

  test('at once, several times', async () => {
    await shim('ADD', POD_A)
    const results = await Promise.all([shim('DEL', POD_A), shim('DEL', POD_A), shim('DEL', POD_A)])
    expect(results.map(({ status }) => status)).toEqual([0, 0, 0])
    await agent.reaper.reap()
    expect(agent.log.filter((line) => line.startsWith('detach'))).toHaveLength(1)
  })

  test('with the namespace gone', async () => {
    await shim('ADD', POD_A)
    deleteNamespace(pathOf(POD_A))
    expect((await shim('DEL', POD_A)).status).toBe(0)
    await agent.reaper.reap()
    expect(hostInterfaces()).toEqual([])
    expect(agent.ipam.usage().map(({ used }) => used)).toEqual([0, 0])
  })

  test('with the agent away is done by the next one', async () => {
    await shim('ADD', POD_A)
    await agent.close()
    expect((await shim('DEL', POD_A)).status).toBe(0)
    expect(hostInterfaces()).toHaveLength(1)
    agent = await startAgent()
    await agent.reaper.reap()
    expect(hostInterfaces()).toEqual([])
    expect(agent.problems).toEqual([])
    expect(agent.ipam.usage().map(({ used }) => used)).toEqual([0, 0])
    expect(fs.readdirSync(join(root, 'del'))).toEqual([])
  })
})

describe('the next agent', () => {
  test('keeps pods that are there, with traffic and addresses', async () => {
    await shim('ADD', POD_A)
    await agent.close()
    agent = await startAgent()
    expect(agent.takenOver.kept.map(({ pod }) => pod.name)).toEqual([POD_A])
    const { result } = await shim('ADD', POD_B)
    expect(result).toMatchObject({ ips: [{ address: '10.77.0.3/32' }, { address: 'fd77::2/128' }] })
    await exchange(
      { netns: pathOf(POD_A), address: ip4(0x0a_4d_00_02), port: 4001 },
      { netns: pathOf(POD_B), address: ip4(0x0a_4d_00_03), port: 4002 },
    )
  })

  test('releases a pod whose interface is gone and deletes an interface without a record', async () => {
    await shim('ADD', POD_A)
    await agent.close()
    const [name = ''] = hostInterfaces()
    execFileSync('ip', ['-n', NODE, 'link', 'delete', name])
    execFileSync('ip', [
      '-n',
      NODE,
      'link',
      'add',
      'slcffffffffffff',
      'type',
      'veth',
      'peer',
      'name',
      'x0',
    ])
    agent = await startAgent()
    expect(agent.takenOver.released.map(({ pod }) => pod.name)).toEqual([POD_A])
    expect(agent.takenOver.deleted).toEqual(['slcffffffffffff'])
    expect(agent.log).toEqual([`detach ${POD_A} 0 left`])
    expect(hostInterfaces()).toEqual([])
  })
})

/** A node agent as far as pods go, on the directory that an earlier one left. */
async function startAgent(ranges: readonly Cidr[] = [RANGE4, RANGE6]): Promise<Agent> {
  const log: string[] = []
  const problems: string[] = []
  const report = (problem: string): void => {
    problems.push(problem)
  }
  const now = Date.now
  const ipam = new Ipam({
    ranges,
    cooldownMs: 60_000,
    now,
  })
  const records = new Records({ directory: join(root, 'pods'), files: fs, report })
  const node = openNetlink(NETLINK_ROUTE, { netns: pathOf(NODE) })
  const families = new Set([4, 6] as const)
  for (const settings of nodeSettings(families))
    writeSettings(settings, pathOf(NODE), writeFilesInNamespace)
  const removing = openNetlink(NETLINK_ROUTE, { netns: pathOf(NODE) })
  const wiring = createWiring({
    node,
    removing,
    nodeNetns: pathOf(NODE),
    nodeNamespace: fs.statSync(pathOf(NODE)),
    openIn: (netns) => openNetlink(NETLINK_ROUTE, { netns }),
    writeFilesIn: writeFilesInNamespace,
    files: fs,
    nodeAddresses: { 4: NODE_ADDRESS4, 6: NODE_ADDRESS6 },
    mtu: 1400,
    localhostHostPorts: true,
  })
  const enforcement = {
    lastTold: () => undefined,
    attach: async ({ pod, hostInterface }: Attachment) => {
      log.push(`attach ${pod.name} ${linkStates(hostInterface)}`)
      started.onAttach()
    },
    detach: async (attachments: readonly Attachment[]) => {
      const left = hostInterfaces().length
      log.push(...attachments.map(({ pod }) => `detach ${pod.name} ${left} left`))
    },
    check: async () => [],
  }
  const pods = { ipam, records, wiring, enforcement, now }
  const reaper = new Reaper({
    ...pods,
    uptime: () => performance.now(),
    setTimer: (callback, delayMs) => setTimeout(callback, delayMs),
    onError: (error) => problems.push(String(error)),
    quietMs: 10,
    latestMs: 50,
  })
  const parts = {
    ...pods,
    reaper,
    inTurn: createInTurn(),
    obstacle: () => undefined,
  }
  const takenOver = await takeOver({ ...parts, rebuild: () => undefined })
  const handle = createHandler(parts)
  const server: CniServer = await serveCni({
    path: join(root, 'run', 'cni.sock'),
    handle,
    clientTimeoutMs: 2_000,
    files: fsPromises,
  })
  await drainDelQueue({
    directory: join(root, 'del'),
    handle,
    files: fsPromises,
    now: Date.now,
    report,
  })
  const started: Agent = {
    records,
    ipam,
    reaper,
    log,
    problems,
    takenOver,
    onAttach: () => {},
    close: async () => {
      await server.close()
      await reaper.close()
      node.close()
      removing.close()
    },
  }
  return started
}

/** Flags of both ends as `attach` finds them: up or down. */
function linkStates(hostInterface: string): string {
  return ip(NODE, 'link')
    .filter((link) => link['ifname'] === hostInterface)
    .map((link) => (String(link['flags']).split(',').includes('UP') ? 'up' : 'down'))
    .join()
}

interface ShimResult {
  readonly status: number | null
  readonly result: Json
}

/** Runs the real `sluice-cni`. */
async function shim(
  command: string,
  namespace: string,
  changes: { config?: Json; environment?: Record<string, string> } = {},
): Promise<ShimResult> {
  const child = spawn(SHIM, [], {
    env: {
      SLUICE_CNI_SOCKET: join(root, 'run', 'cni.sock'),
      SLUICE_CNI_DELETE_DIR: join(root, 'del'),
      CNI_COMMAND: command,
      CNI_CONTAINERID: `id-${namespace}`,
      CNI_NETNS: pathOf(namespace),
      CNI_IFNAME: 'eth0',
      CNI_ARGS: `IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=${namespace}`,
      CNI_PATH: '/opt/cni/bin',
      ...changes.environment,
    },
  })
  const output: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk))
  child.stdin.end(JSON.stringify({ cniVersion: '1.1.0', name: 'sluice', ...changes.config }))
  const status = await new Promise<number | null>((resolve) => child.once('close', resolve))
  const text = Buffer.concat(output).toString()
  return { status, result: text === '' ? {} : JSON.parse(text) }
}

function settings(namespace: string, names: readonly string[]): string[] {
  const text = execFileSync('ip', ['netns', 'exec', namespace, 'sysctl', '-n', ...names])
  return text.toString().trim().split('\n')
}
