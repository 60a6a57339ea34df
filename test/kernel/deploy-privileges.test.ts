import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { attach, detach } from '../../src/lab/shim.ts'
import { createNamespace, deleteNamespace } from '../../src/netlink/native.ts'
import { formatAddress } from '../../src/policy/address.ts'
import { SLUICE } from '../built-sluice.ts'
import { readDaemonSet } from '../deploy/manifest.ts'

/**
 * The agent runs with the privileges that deploy/sluice.yaml gives it, and with no fewer: its capabilities, no way
 * to gain others, everything read-only but the mounts of the manifest, /proc/sys read-only as in any container.
 */
const [agent] = readDaemonSet('deploy/sluice.yaml').template.spec.containers
const CAPABILITIES = agent.securityContext.capabilities.add
const ROOT = join(import.meta.dirname, '..', '..')

let base: string
let node: string
let pod: string
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'sluice-privileges-'))
  node = join(base, 'node')
  pod = join(base, 'pod')
  for (const name of ['run', 'net.d', 'manifests', 'sys']) mkdirSync(join(base, name))
  createNamespace(node)
  createNamespace(pod)
})
afterEach(() => {
  deleteNamespace(node)
  deleteNamespace(pod)
  rmSync(base, { recursive: true })
})

/** What a container runtime does: $1 is the only place that may be written, and has the node's /proc/sys/net. */
const CONTAIN = `
  mkdir "$1/sys/net" && mount --bind /proc/sys/net "$1/sys/net"
  mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys
  mount --rbind "$1" "$1" && mount -o remount,bind,ro /
  bounding=$2; shift 2
  exec setpriv --bounding-set="-all$bounding" --inh-caps=-all --no-new-privs "$@"`

/** Resolves when the agent is ready or has ended; a test that goes on ends it with `stop`. */
async function startAgent(capabilities: readonly string[], procSys = join(base, 'sys')) {
  const bounding = capabilities.map((name) => `,+${name.toLowerCase()}`).join('')
  const config = join(base, 'net.d', '10-sluice.conflist')
  const container = [`--net=${node}`, 'unshare', '-m', 'sh', '-ec', CONTAIN, 'sh', base, bounding]
  const flags = [
    '--node=node',
    `--manifests=${join(base, 'manifests')}`,
    '--pod-cidr=10.91.0.0/24',
    '--pod-cidr=fd91::/64',
    `--run-dir=${join(base, 'run')}`,
    `--cni-config=${config}`,
    `--proc-sys=${procSys}`,
  ]
  const child = spawn('nsenter', [...container, ...SLUICE, 'agent', ...flags], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let words = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    words += text
  })
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const isOver = (): boolean => child.exitCode !== null || child.signalCode !== null
  await expect.poll(() => isOver() || existsSync(config), { timeout: 20_000 }).toBe(true)
  if (isOver()) await ended
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM')
    await ended
  }
  return { pid: child.pid, isReady: !isOver(), words: () => words, stop }
}

test('the agent wires a pod with the capabilities of the manifest alone', async () => {
  const { pid, isReady, words, stop } = await startAgent(CAPABILITIES)
  try {
    expect({ isReady, words: words() }).toEqual({ isReady: true, words: '' })
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    expect(status).toMatch(/^NoNewPrivs:\s1$/m)
    // CAP_NET_ADMIN is bit 12, CAP_SYS_ADMIN bit 21 (linux/capability.h).
    expect(status).toMatch(/^CapEff:\s0000000000201000$/m)
    expect(status).toMatch(/^CapBnd:\s0000000000201000$/m)

    const shim = { program: join(ROOT, 'native', 'build', 'sluice-cni'), runDir: join(base, 'run') }
    const sandbox = { containerId: 'c1', netns: pod, namespace: 'default', name: 'one', uid: 'u1' }
    const addresses = await attach(shim, sandbox)
    expect(addresses.map(formatAddress)).toEqual(['10.91.0.2', 'fd91::1'])
    await detach(shim, sandbox)
  } finally {
    await stop()
  }
})

test.for(CAPABILITIES)('without %s it says so and ends', async (missing) => {
  const { isReady, words, stop } = await startAgent(CAPABILITIES.filter((name) => name !== missing))
  await stop()
  expect(isReady).toBe(false)
  expect(words()).toMatch(/^sluice: The agent of node cannot start: .*EPERM/)
})

test('a container’s own /proc/sys will not do', async () => {
  const { isReady, words, stop } = await startAgent(CAPABILITIES, '/proc/sys')
  await stop()
  expect(isReady).toBe(false)
  expect(words()).toMatch(/Cannot write \/proc\/sys\/net\/ipv4\/ip_forward .*EROFS/)
})
