import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { PolicyReport } from '../agent/policy-report.ts'
import type { SourcePolicy } from '../agent/source.ts'
import { AgentAway, AgentRefusal, askAgent } from './ask-agent.ts'
import { CommandError } from './command-error.ts'
import { type Asked, type Progress, progressOf } from './wait/progress-of.ts'

interface Flags {
  readonly policy: string
  readonly timeout: number
  readonly version?: string
  readonly deleted?: true
  readonly runDir: string
}

const POLL_MS = 50

export function define(command: Command): void {
  command
    .requiredOption('--policy <namespace/name>', 'the policy', policyName)
    .addOption(
      new Option('--timeout <duration>', 'how long at most: 500ms, 30s, 2m')
        .argParser(duration)
        .default(30_000, '30s'),
    )
    .option('--version <version>', 'this one or a later one, not what the source has now')
    .addOption(
      new Option('--deleted', 'until none of its versions is enforced').conflicts('version'),
    )
    .option('--run-dir <directory>', 'where the agent listens', '/run/sluice')
    .action((flags: Flags) => waitFor(flags))
}

/** @throws {CommandError} when it does not come about, or not in time */
async function waitFor(flags: Flags): Promise<void> {
  const { policy, timeout } = flags
  const deadline = performance.now() + timeout
  const look = createLook(flags)
  for (;;) {
    const progress = await look()
    if (progress.kind === 'done') return
    if (progress.kind === 'failed') throw new CommandError(sentence(`${policy}: ${progress.why}`))
    if (performance.now() >= deadline) {
      throw new CommandError(sentence(`${policy}: not within ${timeout / 1000} s: ${progress.why}`))
    }
    await delay(POLL_MS)
  }
}

/** How often the source is asked: what was asked for may have been replaced before the agent was told of it. */
const ASK_EVERY_MS = 1000

/** An agent that is away, or whose source does not answer, may be back a moment later. */
function createLook(flags: Flags): () => Promise<Progress> {
  const answers: Asked[] = []
  let askAgainAt = 0
  return async () => {
    try {
      const report = await reportOf(flags)
      if (performance.now() >= askAgainAt) {
        answers.push(await ask(flags))
        askAgainAt = performance.now() + ASK_EVERY_MS
      }
      // Any of them is what the source had after we were called.
      const progress = answers.map((asked) => progressOf(asked, report))
      return progress.find(({ kind }) => kind === 'done') ?? progress.at(-1) ?? NOT_ASKED
    } catch (error) {
      if (!(error instanceof AgentAway) && !(error instanceof AgentRefusal)) throw error
      return { kind: 'waiting', why: error.message }
    }
  }
}

const NOT_ASKED: Progress = { kind: 'waiting', why: 'nobody was asked' }

async function reportOf({ policy, runDir }: Flags): Promise<PolicyReport | undefined> {
  const path = `/policies?policy=${encodeURIComponent(policy)}`
  const reports: readonly PolicyReport[] = JSON.parse(await askAgent(socketOf(runDir), path))
  return reports[0]
}

async function ask(flags: Flags): Promise<Asked> {
  if (flags.version !== undefined) return { kind: 'version', text: flags.version }
  const policy = await policyNow(flags)
  return { kind: flags.deleted === true ? 'deleted' : 'now', policy }
}

/** Undefined where the source has no such policy. @throws {AgentRefusal} where it cannot say */
async function policyNow({ policy, runDir }: Flags): Promise<SourcePolicy | undefined> {
  const path = `/source/policy?policy=${encodeURIComponent(policy)}`
  try {
    return JSON.parse(await askAgent(socketOf(runDir), path))
  } catch (error) {
    if (error instanceof AgentRefusal && error.status === 404) return undefined
    throw error
  }
}

function socketOf(runDir: string): string {
  return join(runDir, 'agent.sock')
}

function sentence(text: string): string {
  return /[.?]$/.test(text) ? text : `${text}.`
}

function policyName(text: string): string {
  if (/^[^/]+\/[^/]+$/.test(text)) return text
  throw new InvalidArgumentError('Name it as namespace/name.')
}

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/** Milliseconds. A number alone is seconds. */
function duration(text: string): number {
  const [, number, unit = 's'] = /^(\d+)(ms|s|m|h)?$/.exec(text) ?? []
  if (number === undefined) throw new InvalidArgumentError('Write it as 500ms, 30s or 2m.')
  return Number(number) * (UNITS_MS[unit] ?? 0)
}
