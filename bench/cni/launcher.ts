import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { join } from 'node:path'
import { compileC } from '../harness/compile-c.ts'

/** The whole environment of one call of a plugin; no spaces in values. */
export type Call = Readonly<Record<string, string>>

export interface Answer {
  /** From spawn to exit. */
  readonly ms: number
  /** What it printed. */
  readonly output: string
}

export interface Launched {
  readonly answers: readonly Answer[]
  /** From the first spawn to the last exit. */
  readonly allMs: number
}

export type Order = 'serial' | 'at-once'

/** Where plugins run, and which. */
export interface Target {
  readonly netns: string
  readonly program: string
  /** Path of the network configuration. */
  readonly config: string
}

/** Starts plugins through `launch.c`, for every contender the same. */
export class Launcher {
  readonly #program: string
  readonly #outputs: string

  /** Compiles it. @throws without a C compiler */
  constructor(scratch: string) {
    this.#outputs = join(scratch, 'answers')
    mkdirSync(this.#outputs, { recursive: true })
    this.#program = compileC(join(import.meta.dirname, 'launch.c'), scratch)
  }

  /** Rejects with the plugin's answer when one call fails. */
  async run(order: Order, target: Target, calls: readonly Call[]): Promise<Launched> {
    const { netns, program, config } = target
    const child = spawn(this.#program, [order, netns, program, config], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const output = (index: number): string => join(this.#outputs, `${index}`)
    child.stdin.end(calls.map((call, index) => `${output(index)} ${variables(call)}\n`).join(''))
    const lines = (await text(child.stdout)).split('\n')
    const answers = calls.map((call, index) =>
      readAnswer(lines[index] ?? '', readFileSync(output(index), 'utf8'), variables(call)),
    )
    return { answers, allMs: milliseconds(/^all (\d+)$/u.exec(lines[calls.length] ?? '')?.[1]) }
  }
}

function variables(call: Call): string {
  return Object.entries(call)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ')
}

function readAnswer(line: string, output: string, asked: string): Answer {
  const [status, nanoseconds] = line.split(' ')
  if (status === '0') return { ms: milliseconds(nanoseconds), output }
  throw new Error(`A plugin failed with exit code ${status} and this answer to ${asked}: ${output}`)
}

function milliseconds(nanoseconds: string | undefined): number {
  const ms = Number(nanoseconds) / 1e6
  if (Number.isNaN(ms)) throw new Error('The launcher of the benchmark gave no times.')
  return ms
}
