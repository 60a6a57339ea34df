import { type ChildProcess, execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Family } from '../../src/policy/address.ts'
import { compileC } from '../harness/compile-c.ts'
import { type PodEnd, REQUEST_PORT } from './pod-end.ts'
import { started } from './started.ts'

const MAX_OUTPUT_BYTES = 64 << 20

/** Requests and answers between pods, by `requests.c`. */
export class Requests {
  readonly #program: string
  readonly #servers: ChildProcess[] = []

  /** Compiles it. @throws without a C compiler */
  constructor(scratch: string) {
    this.#program = compileC(join(import.meta.dirname, 'requests.c'), scratch)
  }

  /** Lets the pod of this namespace answer until `close`. */
  async serve(netns: string): Promise<void> {
    const server = await started('listening', this.#program, 'serve', netns, `${REQUEST_PORT}`)
    this.#servers.push(server)
  }

  /** How long each of so many exchanges over one connection took, in microseconds. */
  async ask(from: PodEnd, to: PodEnd, family: Family, count: number): Promise<number[]> {
    const args = ['ask', from.netns, to.addresses[family], `${REQUEST_PORT}`, `${count}`]
    const { stdout } = await run(this.#program, args, { maxBuffer: MAX_OUTPUT_BYTES })
    return stdout
      .trimEnd()
      .split('\n')
      .map((nanoseconds) => Number(nanoseconds) / 1000)
  }

  close(): void {
    for (const server of this.#servers.splice(0)) server.kill('SIGKILL')
  }
}

const run = promisify(execFile)
