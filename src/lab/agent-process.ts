import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir, open, readFile } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import * as v from 'valibot'
import { formatAddress, formatCidr } from '../policy/address.ts'
import type { NodeAddresses } from './address-plan.ts'

export interface AgentOptions {
  /** The program and its first arguments that run `sluice`. */
  readonly sluice: readonly string[]
  readonly node: string
  readonly addresses: NodeAddresses
  readonly manifests: string
  readonly runDir: string
  /** Path of the node's network namespace. */
  readonly netns: string
  /** More of its command line. */
  readonly flags?: readonly string[]
  /** Kills it, and lets it start no more. */
  readonly stopping: AbortSignal
}

/** A `sluice agent` of the lab. It may be killed and started again. */
export class AgentProcess {
  readonly #options: AgentOptions
  #child: ChildProcess | undefined

  constructor(options: AgentOptions) {
    this.#options = options
  }

  /** Starts it, also again after a `kill`. */
  async start(): Promise<void> {
    const { sluice, runDir, stopping } = this.#options
    const [program = '', ...first] = sluice
    await mkdir(runDir, { recursive: true })
    const log = await open(logFile(runDir), 'a')
    try {
      stopping.throwIfAborted()
      this.#child = spawn(program, [...first, ...agentArguments(this.#options)], {
        stdio: ['ignore', log.fd, log.fd],
        // Ctrl-C at the terminal is for the lab, which then ends its agents.
        detached: true,
        signal: stopping,
        killSignal: 'SIGKILL',
      })
      // An abort is told here as well; whoever waits for the agent sees that it has ended.
      this.#child.on('error', () => {})
    } finally {
      await log.close()
    }
  }

  /** SIGKILL unless told otherwise; resolves when it is gone. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#child
    if (child === undefined || hasEnded(child)) return
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill(signal)
    await gone
  }

  /** Lets it outlive this process. */
  release(): void {
    this.#child?.unref()
  }

  /**
   * Waits until it has put this revision of the manifests into the kernel. Rejects with the end of its log
   * when it has ended, or when the time is over.
   */
  async untilRevision(revision: string, timeoutMs: number): Promise<void> {
    const { node, runDir } = this.#options
    for (let waited = 0; waited < timeoutMs; waited += POLL_MS) {
      if (this.#child === undefined || hasEnded(this.#child)) {
        throw new Error(`The agent of ${node} has ended. ${await this.#lastWords()}`)
      }
      if ((await revisionAt(join(runDir, 'agent.sock'))) === revision) return
      await delay(POLL_MS)
    }
    throw new Error(
      `The agent of ${node} did not apply the manifests within ${timeoutMs} ms. ${await this.#lastWords()}`,
    )
  }

  async #lastWords(): Promise<string> {
    const log = logFile(this.#options.runDir)
    const lines = (await readFile(log, 'utf8').catch(() => '')).trimEnd().split('\n')
    return `Its log ${log} ends with:\n${lines.slice(-LAST_LINES).join('\n')}`
  }
}

const POLL_MS = 15
const LAST_LINES = 12

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null
}

function logFile(runDir: string): string {
  return join(runDir, 'agent.log')
}

function agentArguments(options: AgentOptions): string[] {
  const { node, addresses, manifests, runDir, netns, flags = [] } = options
  return [
    'agent',
    `--node=${node}`,
    `--manifests=${manifests}`,
    `--netns=${netns}`,
    // `removeLab` finds the process by these two.
    '--run-dir',
    runDir,
    ...addresses.podCidrs.map((cidr) => `--pod-cidr=${formatCidr(cidr)}`),
    ...addresses.own.map((address) => `--node-address=${formatAddress(address)}`),
    ...flags,
  ]
}

const status = v.object({ ready: v.boolean(), revision: v.nullish(v.string()) })

/** The revision in force, or undefined as long as there is none or the agent does not answer. */
async function revisionAt(socketPath: string): Promise<string | undefined> {
  const body = await get(socketPath, '/status').catch(() => '')
  try {
    const { ready, revision } = v.parse(status, JSON.parse(body))
    return ready ? (revision ?? undefined) : undefined
  } catch {
    return undefined
  }
}

function get(socketPath: string, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path, agent: false }, (response) => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        body += chunk
      })
      response.on('end', () => resolve(body))
      response.on('error', reject)
    })
    asked.on('error', reject)
    asked.end()
  })
}
