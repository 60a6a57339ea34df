import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { addressPlan } from '../../src/lab/address-plan.ts'
import { Lab } from '../../src/lab/lab.ts'
import { readLabManifests } from '../../src/lab/lab-manifests.ts'
import { LAB_ROOTS } from '../../src/lab/lab-paths.ts'
import { SLUICE } from '../built-sluice.ts'
import { elementsOf } from '../kernel/node-kernel.ts'

/** What an operator of a node uses: status, probes and metrics, clean-up. */
const root = join(import.meta.dirname, '..', '..')
const base = mkdtempSync(join(tmpdir(), 'sluice-operating-'))
const lab = new Lab(
  { id: 'operating', nodes: ['node-1'], plan: addressPlan([4, 6]) },
  {
    roots: { ...LAB_ROOTS, state: join(base, 'state'), netns: join(base, 'netns') },
    pid: process.pid,
    sluice: SLUICE,
    shim: join(root, 'native', 'build', 'sluice-cni'),
    progress: () => {},
  },
)

beforeAll(async () => {
  await lab.start()
  const { manifests } = await readLabManifests(join(root, 'demo', '2-default-deny'), 1)
  await lab.apply(manifests)
})
afterAll(async () => {
  await lab.stop()
  rmSync(base, { recursive: true })
})

function run(...args: readonly string[]): string {
  const [node, main] = SLUICE
  return execFileSync(node, [main, ...args], { encoding: 'utf8', stdio: 'pipe' })
}

function theNode() {
  const [node] = lab.nodes
  if (node === undefined) throw new Error('The lab has no node.')
  return node
}

function get(path: string): Promise<{ status: number | undefined; body: string }> {
  const socketPath = join(theNode().runDir, 'agent.sock')
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path, agent: false }, async (response) => {
      const chunks = await response.toArray()
      resolve({ status: response.statusCode, body: Buffer.concat(chunks).toString() })
    })
    asked.on('error', reject)
    asked.end()
  })
}

test('status says what is in force', () => {
  const screen = run('status', '--run-dir', theNode().runDir)
  expect(screen).toMatch(
    /^node +node-1\npolicy +in force\nsource +followed\nhost +in order\npods here +8\npolicies in force +1\n/,
  )
  const parsed: unknown = JSON.parse(run('status', '--json', '--run-dir', theNode().runDir))
  expect(parsed).toMatchObject({ node: 'node-1', ready: true, pods: 8, invalid: [] })
})

test('status of a node without an agent is a sentence and fails', () => {
  expect(() => run('status', '--run-dir', base)).toThrow(
    /No agent answers at .*agent\.sock \(ENOENT\)/,
  )
})

test('probes and metrics', async () => {
  expect(await get('/healthz')).toEqual({ status: 200, body: 'ok\n' })
  expect(await get('/readyz')).toEqual({ status: 200, body: 'ok\n' })
  expect((await get('/nothing')).status).toBe(404)
  const { results } = await lab.probe([
    { from: 'default/outsider', to: 'shop/web-0', port: 8080, protocol: 'TCP' },
  ])
  expect(results.map(({ actual }) => actual)).toEqual(['deny', 'deny'])
  const { body } = await get('/metrics')
  expect(body).toMatch(/^sluice_pods 8$/m)
  expect(body).toMatch(/^sluice_policies\{state="live"\} 1$/m)
  expect(body).toMatch(/^sluice_denied_packets_total\{direction="ingress"\} [1-9]\d*$/m)
  expect(body).toMatch(/^sluice_cni_request_duration_seconds_count\{verb="ADD",code="0"\} 8$/m)
  expect(body).toMatch(/^sluice_transaction_elements_sum [1-9]\d*$/m)
  for (const set of ['in_pods4', 'local6', 'ports_all']) {
    const count = elementsOf(theNode().netns, set)
    expect(body).toContain(`\nsluice_set_elements{set="${set}"} ${count}\n`)
  }
  // The format: comments and samples, each a line of its own.
  expect(body).toMatch(
    /^(# (HELP|TYPE) \w+ .+\n|\w+(\{\w+="[\w.+]+"(,\w+="[\w.+]+")*\})? [\d.e-]+\n)+$/,
  )
})

test('cleanup leaves nothing, and may be repeated', async () => {
  const { netns, runDir, agent } = theNode()
  await agent.kill()
  const inside = (...command: readonly string[]): string =>
    execFileSync('nsenter', [`--net=${netns}`, ...command], { encoding: 'utf8' })
  expect(inside('nft', 'list', 'tables')).toBe('table inet sluice\n')
  const cniConfig = join(base, 'no-such-file')
  const flags = ['--netns', netns, '--run-dir', runDir, '--cni-config', cniConfig]
  const told = run('cleanup', ...flags)
  expect(told.match(/^removed interface slc/gm)).toHaveLength(8)
  expect(told).toContain('removed table inet sluice\n')
  expect(inside('nft', 'list', 'tables')).toBe('')
  expect(inside('ip', '-o', 'link')).not.toContain('slc')
  expect(inside('ip', 'route', 'show', 'table', 'all')).not.toContain('proto 83')
  expect(inside('ip', '-6', 'route', 'show', 'table', 'all')).not.toContain('proto 83')
  expect(existsSync(runDir)).toBe(false)
  expect(run('cleanup', ...flags)).not.toContain('removed interface')
})
