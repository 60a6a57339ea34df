import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { LAB_ROOTS } from '../../src/lab/lab-paths.ts'
import { until } from '../kernel/until.ts'
import { CLOSED_DEPLOYMENT } from './closed-deployment.ts'

/** The lab of an ordinary user: a uid that nobody else has, and a checkout that it can read. */
const root = join(import.meta.dirname, '..', '..')
const uid = 2_000_000_000 + process.pid
const base = mkdtempSync(join(tmpdir(), 'sluice-rootless-'))
const checkout = join(base, 'checkout')
const other = join(base, 'other-root')
for (const directory of [checkout, other, join(base, 'pods')]) mkdirSync(directory)
chmodSync(base, 0o755)
writeFileSync(join(base, 'pods', 'all.yaml'), CLOSED_DEPLOYMENT)

const AS_USER = ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', '--']
const LAB_RUN = ['lab', 'run', '--manifests', '../pods', '--families', '4', '--nodes', '1']

/** Why an ordinary user gets no user namespaces here, as in most containers; empty where she does. */
const refusal = (() => {
  const [program = '', ...args] = AS_USER
  const flags = ['--user', '--map-root-user', '--net', '--mount', 'true']
  const tried = spawnSync(program, [...args, 'unshare', ...flags], { encoding: 'utf8' })
  return tried.status === 0 ? '' : tried.stderr.trim()
})()
if (refusal !== '') console.log(`Labs of ordinary users are skipped: ${refusal}`)

afterEach(() => {
  for (const pid of processesOfUser()) process.kill(pid, 'SIGKILL')
})
afterAll(() => rmSync(base, { recursive: true }))

/** A command of the user. Her checkout is this one, mounted where she may look. */
class Run {
  out = ''
  err = ''
  readonly child
  readonly ended

  constructor(args: readonly string[], before: readonly string[] = []) {
    const mounting = `mount --bind ${root} ${checkout} && mount --rbind / ${other} && cd ${checkout}`
    const script = `${mounting} && exec "$@"`
    const sluice = ['node_modules/.bin/node', 'dist/main.js', ...args]
    this.child = spawn(
      'unshare',
      ['--mount', 'sh', '-c', script, 'sh', ...before, ...AS_USER, ...sluice],
      { stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: process.env['PATH'], HOME: base } },
    )
    this.child.stdout.on('data', (chunk: Buffer) => (this.out += chunk.toString()))
    this.child.stderr.on('data', (chunk: Buffer) => (this.err += chunk.toString()))
    this.ended = once(this.child, 'close')
  }

  /** Resolves when its agents run, with the name of the lab. */
  async lab(): Promise<string> {
    await until('the lab runs', () => /^Lab \w+:/mu.test(this.err))
    return /^Lab (\w+):/mu.exec(this.err)?.[1] ?? ''
  }
}

async function run(args: readonly string[], before?: readonly string[]) {
  const command = new Run(args, before)
  const [code] = await command.ended
  return { code, out: command.out, err: command.err }
}

/** What goes on as this user; a process that has ended, but nobody has asked after, does not. */
function processesOfUser(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/u.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const isHers = statSync(`/proc/${pid}`).uid === uid
        return isHers && readFileSync(`/proc/${pid}/cmdline`, 'utf8') !== ''
      } catch {
        return false
      }
    })
}

describe.skipIf(refusal !== '')('the lab of an ordinary user', () => {
  test('is kept beside the next one, which enforces and probes, until it is removed', async () => {
    const kept = new Run([...LAB_RUN, '--keep'])
    const id = await kept.lab()
    expect(await kept.ended).toEqual([0, null])
    const running = processesOfUser()
    expect(running).toHaveLength(2)

    const { code, out, err } = await run([...LAB_RUN, '--json'])
    expect({ code, err }).toMatchObject({ code: 0 })
    const report: unknown = JSON.parse(out)
    expect(report).toMatchObject({ mismatches: 0, pods: [{ name: 'a/web-0' }, {}] })
    expect(out.match(/"actual":"deny"/gu)).toHaveLength(2)
    expect(processesOfUser()).toEqual(running)

    // None of it is the machine's own.
    expect(existsSync(join(LAB_ROOTS.state, id))).toBe(false)
    expect(await run(['lab', 'down'])).toEqual({ code: 0, out: '', err: `Removed ${id}.\n` })
    expect(processesOfUser()).toEqual([])
    const nothing = { code: 0, out: '', err: 'There is no lab to remove.\n' }
    expect(await run(['lab', 'down'])).toEqual(nothing)
  })

  test('that was killed is removed by the next, which ends cleanly on SIGTERM', async () => {
    const killed = new Run(LAB_RUN)
    await killed.lab()
    killed.child.kill('SIGKILL')
    await killed.ended
    const [left] = processesOfUser()
    expect(left).toBeGreaterThan(0)

    const ended = new Run(LAB_RUN)
    await ended.lab()
    expect(processesOfUser()).not.toContain(left)
    ended.child.kill('SIGTERM')
    expect(await ended.ended).toEqual([143, null])
    expect(processesOfUser()).toEqual([])
  })
})

test('where user namespaces are refused, a sentence says so', async () => {
  // The kernel makes none for a process under another root directory (user_namespaces(7), EPERM).
  const inside = ['chroot', other, 'sh', '-c', `cd ${root} && exec "$@"`, 'sh']
  const { code, out, err } = await run(['demo'], inside)
  expect({ code, out }).toEqual({ code: 1, out: '' })
  expect(err).toMatch(
    /^sluice: Without root the lab needs user namespaces, which it does not get here \(unshare: .+ Operation not permitted\)\. .+ Or run it as root\.\n$/u,
  )
})
