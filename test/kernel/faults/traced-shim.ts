import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SHIM } from '../small-cluster.ts'

/** A program that runs `sluice-cni` under `strace`, which ends it by SIGKILL exactly where it is told. */
export class TracedShim {
  readonly #directory = mkdtempSync(join(tmpdir(), 'sluice-traced-'))

  /** Why this machine cannot do it; undefined where it can. */
  static get obstacle(): string | undefined {
    const { error, status, stderr } = spawnSync('strace', ['-o', '/dev/null', 'true'])
    return status === 0 ? undefined : (error?.message ?? stderr.toString())
  }

  get program(): string {
    return join(this.#directory, 'sluice-cni')
  }

  /** The next call only tells which system calls it makes. */
  watch(): void {
    this.#write(`-o ${this.#calls}`)
  }

  /** The system calls of the last call that was watched, in their order. */
  calls(): readonly string[] {
    const lines = readFileSync(this.#calls, 'utf8').split('\n')
    return lines.flatMap((line) => /^(\w+)\(/u.exec(line)?.[1] ?? [])
  }

  /** Calls end before the system call at that place of `calls`. */
  killAt(calls: readonly string[], place: number): void {
    const call = calls[place] ?? ''
    const count = calls.slice(0, place + 1).filter((one) => one === call).length
    this.#write(`-o /dev/null -e inject=${call}:signal=KILL:when=${count}`)
  }

  close(): void {
    rmSync(this.#directory, { recursive: true })
  }

  get #calls(): string {
    return join(this.#directory, 'calls')
  }

  #write(options: string): void {
    writeFileSync(this.program, `#!/bin/sh\nexec strace ${options} ${SHIM}\n`, { mode: 0o700 })
  }
}
