import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { LAB_ROOTS, labPaths } from '../../src/lab/lab-paths.ts'
import { removeLab } from '../../src/lab/leftovers.ts'
import { SLUICE } from '../built-sluice.ts'
import { CLOSED_DEPLOYMENT } from './closed-deployment.ts'

const [node, main] = SLUICE
const base = mkdtempSync(join(tmpdir(), 'sluice-command-'))
const manifests = join(base, 'manifests')
mkdirSync(manifests)
writeFileSync(join(manifests, 'all.yaml'), CLOSED_DEPLOYMENT)

/** Labs that tests began: removed at the end, come what may. */
const begun = new Set<string>()

afterEach(async () => {
  for (const id of begun) await removeLab(LAB_ROOTS, labPaths(LAB_ROOTS, id))
  begun.clear()
})
afterAll(() => rmSync(base, { recursive: true }))

class Run {
  readonly child: ChildProcess
  readonly ended: Promise<unknown[]>
  out = ''
  err = ''

  constructor(...args: string[]) {
    this.child = spawn(node, [main, ...args], { cwd: base })
    this.ended = once(this.child, 'close')
    this.child.stdout?.on('data', (chunk: Buffer) => (this.out += chunk.toString()))
    this.child.stderr?.on('data', (chunk: Buffer) => (this.err += chunk.toString()))
  }

  /** The lab that it tells of, once its agents run. */
  async lab(): Promise<string> {
    for (;;) {
      const id = /^Lab (\w+):/mu.exec(this.err)?.[1]
      if (id !== undefined) {
        begun.add(id)
        return id
      }
      if (this.child.exitCode !== null) throw new Error(this.err)
      await delay(10)
    }
  }
}

async function run(...args: string[]): Promise<Run & { code: unknown }> {
  const command = new Run(...args)
  const [code] = await command.ended
  return Object.assign(command, { code })
}

/** What of a lab is left on this machine: state, namespaces, processes. */
function remains(id: string): string[] {
  const paths = labPaths(LAB_ROOTS, id)
  const processes = readdirSync('/proc').filter(
    (pid) => /^\d+$/u.test(pid) && runsFor(pid, paths.state),
  )
  return [
    ...(existsSync(paths.state) ? [paths.state] : []),
    ...readdirSync(LAB_ROOTS.netns).filter((name) => name.startsWith(paths.netnsPrefix)),
    ...processes.map((pid) => `process ${pid}`),
  ]
}

function runsFor(pid: string, state: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(state)
  } catch {
    return false
  }
}

describe('sluice lab run', () => {
  test('prints one JSON object by the contract, and nothing else to stdout', async () => {
    const probes = join(base, 'probes.json')
    writeFileSync(
      probes,
      JSON.stringify([
        { from: 'a/web-0', to: 'a/web-1', port: 80, protocol: 'TCP' },
        { from: '203.0.113.9', to: 'a/web-0', protocol: 'ICMP' },
        { from: 'a/web-0', to: '203.0.113.9', port: 53, protocol: 'UDP' },
      ]),
    )
    const args = ['--manifests', manifests, '--probes', probes, '--families', '4', '--nodes', '1']
    const { code, out } = await run('lab', 'run', '--json', ...args)
    expect(code).toBe(0)
    const report: unknown = JSON.parse(out)
    const reason: unknown = expect.any(String)
    expect(report).toEqual({
      pods: [
        {
          name: 'a/web-0',
          node: 'node-1',
          ips: [expect.stringMatching(/^10\.244\.0\.\d+$/)],
          netns: expect.stringMatching(/^\/run\/netns\/sluice-lab-\w+-pod-a\.web-0$/),
        },
        expect.objectContaining({ name: 'a/web-1', node: 'node-1' }),
      ],
      probes: [
        {
          from: 'a/web-0',
          to: 'a/web-1',
          toIP: expect.stringMatching(/^10\.244\.0\.\d+$/),
          port: 80,
          protocol: 'TCP',
          expected: 'deny',
          actual: 'deny',
          reason,
        },
        {
          from: '203.0.113.9',
          to: 'a/web-0',
          toIP: expect.any(String),
          protocol: 'ICMP',
          expected: 'deny',
          actual: 'deny',
          reason,
        },
        {
          from: 'a/web-0',
          to: '203.0.113.9',
          toIP: '203.0.113.9',
          port: 53,
          protocol: 'UDP',
          expected: 'allow',
          actual: 'allow',
          reason,
        },
      ],
      mismatches: 0,
    })
  })

  test('nine pods and three hundred probes, most of them denied, take less than ten seconds', async () => {
    const large = join(base, 'large')
    mkdirSync(large)
    const text = readFileSync(join(manifests, 'all.yaml'), 'utf8')
    const ports = 'ports: [{containerPort: 80}, {containerPort: 53, protocol: UDP}]'
    writeFileSync(
      join(large, 'all.yaml'),
      text.replace('replicas: 2', 'replicas: 9').replace('ports: [{containerPort: 80}]', ports),
    )
    const startedAtMs = Date.now()
    const { code, out } = await run('lab', 'run', '--manifests', large)
    expect(code).toBe(0)
    expect(Date.now() - startedAtMs).toBeLessThan(10_000)
    expect(out).toContain('324 probes: 36 arrived, 288 did not; 0 not as expected.')
  })

  test.each([
    [['--nodes', '0'], 2, /--nodes <n>' argument '0' is invalid/],
    [['--families', '5'], 2, /--families/],
    [['--bogus'], 2, /unknown option '--bogus'/],
    [['--node-range', 'x'], 1, /^sluice: The node range x is no CIDR\./],
    [['--pod-range', '10.0.0.0/24', '--families', '4'], 1, /too small: every node needs a \/24/],
    [['--probes', '/nowhere'], 1, /^sluice: ENOENT/],
  ])('%j ends with %i and one sentence', async (args, expected, sentence) => {
    const { code, out, err } = await run('lab', 'run', '--manifests', manifests, ...args)
    expect(code).toBe(expected)
    expect(out).toBe('')
    expect(err).toMatch(sentence)
  })

  test('a probe of what there is not is told, and the lab is gone', async () => {
    const probes = join(base, 'stray.json')
    writeFileSync(probes, '[{"from": "a/web-0", "to": "10.244.9.9", "port": 1}]')
    const command = new Run('lab', 'run', '--manifests', manifests, '--probes', probes)
    const id = await command.lab()
    expect(await command.ended).toEqual([1, null])
    expect(command.err).toContain('Nothing can have 10.244.9.9: it lies in the pod range')
    expect(remains(id)).toEqual([])
  })

  test('no manifests are no reason to fail', async () => {
    const empty = join(base, 'empty')
    mkdirSync(empty)
    const { code, err } = await run('lab', 'run', '--manifests', empty, '--nodes', '1')
    expect(code).toBe(0)
    expect(err).toContain('there is nothing to probe')
  })

  test('bad manifests are told, closed, and a failure; all else goes on', async () => {
    const bad = join(base, 'bad')
    mkdirSync(bad)
    writeFileSync(
      join(bad, 'bad.yaml'),
      `
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: a}
spec: {containers: [{name: c, ports: [{containerPort: 80}]}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: quoted, namespace: a}
spec: {podSelector: {}, ingress: [{ports: [{port: "80"}]}]}
---
apiVersion: v1
kind: [
`,
    )
    const probes = join(base, 'into.json')
    writeFileSync(probes, '[{"from": "203.0.113.1", "to": "a/web", "port": 80}]')
    const { code, out, err } = await run('lab', 'run', '--manifests', bad, '--probes', probes)
    expect(code).toBe(1)
    expect(out).toContain('1 probes: 0 arrived, 1 did not; 0 not as expected.')
    expect(err).toContain('NetworkPolicy a/quoted spec.ingress[0].ports[0].port: must be a number')
    expect(err).toMatch(/bad\.yaml:\d+: document 3.*: malformed YAML/u)
  })

  test('ends cleanly on SIGTERM, whatever it is doing', async () => {
    const command = new Run('lab', 'run', '--manifests', manifests)
    const id = await command.lab()
    command.child.kill('SIGTERM')
    expect(await command.ended).toEqual([143, null])
    expect(remains(id)).toEqual([])
  })

  test('two run at once, and what a killed one left stops nobody', async () => {
    const killed = new Run('lab', 'run', '--manifests', manifests)
    const id = await killed.lab()
    killed.child.kill('SIGKILL')
    await killed.ended
    expect(remains(id)).not.toEqual([])
    const both = await Promise.all(
      [1, 2].map(() => run('lab', 'run', '--manifests', manifests, '--nodes', '1')),
    )
    expect(both.map(({ code }) => code)).toEqual([0, 0])
    expect(remains(id)).toEqual([])
  })
})

describe('sluice lab down', () => {
  test('removes a lab that was kept, which until then answers', async () => {
    const command = new Run('lab', 'run', '--manifests', manifests, '--keep', '--json')
    const id = await command.lab()
    expect(await command.ended).toEqual([0, null])
    const [, ip = ''] = /"ips":\["([^"]+)"/u.exec(command.out) ?? []
    const [, netns = ''] = /"netns":"([^"]+)"/u.exec(command.out) ?? []
    expect(await answerAt(netns, ip)).toBe('a/web-0')

    const other = await run('lab', 'run', '--manifests', manifests, '--nodes', '1')
    expect(other.code).toBe(0)
    expect(remains(id)).not.toEqual([])
    const { code, err } = await run('lab', 'down')
    expect(code).toBe(0)
    expect(err).toMatch(new RegExp(`Removed .*${id}`))
    expect(remains(id)).toEqual([])
  })
})

/** What the service of the pod says to somebody in the pod itself; it may take a moment to start. */
async function answerAt(netns: string, ip: string): Promise<string> {
  const script = `exec 3<>/dev/tcp/${ip}/80 && read -r line <&3 && echo "$line"`
  for (let attempt = 0; attempt < 100; attempt++) {
    const asked = spawnSync('nsenter', [`--net=${netns}`, 'bash', '-c', script])
    if (asked.status === 0) return asked.stdout.toString().trim()
    await delay(50)
  }
  return 'nobody'
}

describe('sluice demo', () => {
  test('shows four steps with reasons, and a connection that dies', async () => {
    const { code, out } = await run('demo')
    expect(code).toBe(0)
    expect(out.match(/^\d\. /gmu)).toHaveLength(4)
    expect(out.match(/ 0 not as expected\./gu)).toHaveLength(4)
    expect(out).toMatch(
      /allowed by shop\/api-hears-web .+\n +\S*demo\/3-rules\/web-to-api.yaml:29:/u,
    )
    expect(out).toMatch(
      /nearest miss shop\/db-hears-api .+\n +\S*demo\/3-rules\/api-to-db.yaml:30:/u,
    )
    expect(out).toMatch(/after \d+ ms the connection is dead \(ECONNRESET\)/u)
  })
})
