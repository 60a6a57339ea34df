import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SLUICE } from '../../built-sluice.ts'
import { type Fault, FAULT_DIRECTORY, type Plan, PLAN_FILE, STEPS_FILE } from './plan.ts'

/**
 * Faults that befall an agent at a step of our choice: at one netlink message, one change to a file, or its
 * reply. The agent has to be started by `sluice`.
 */
export class Injection {
  readonly #directory = mkdtempSync(join(tmpdir(), 'sluice-faults-'))
  #lastId = 0

  /** The program and its first arguments. */
  get sluice(): readonly string[] {
    const here = import.meta.dirname
    const [node, main] = SLUICE
    return [
      'env',
      `${FAULT_DIRECTORY}=${this.#directory}`,
      `SLUICE_NATIVE=${join(here, 'addon.ts')}`,
      // An agent that ends by itself leaves its compiled code to the next.
      `NODE_COMPILE_CACHE=${join(this.#directory, 'compiled')}`,
      node,
      `--import=${join(here, 'preload.ts')}`,
      main,
    ]
  }

  /** @param at the step from now on, 1 for the first */
  arm(at: number, fault: Fault): void {
    const plan: Plan = { id: ++this.#lastId, at, fault }
    rmSync(this.#path(STEPS_FILE), { force: true })
    writeFileSync(this.#path('plan.new'), JSON.stringify(plan))
    renameSync(this.#path('plan.new'), this.#path(PLAN_FILE))
  }

  /** What the agent has come to since `arm`, the step with the fault included. */
  steps(): string[] {
    try {
      return readFileSync(this.#path(STEPS_FILE), 'utf8').trimEnd().split('\n')
    } catch {
      return []
    }
  }

  /** No more faults. Returns the steps since `arm`. */
  disarm(): string[] {
    rmSync(this.#path(PLAN_FILE), { force: true })
    return this.steps()
  }

  close(): void {
    rmSync(this.#directory, { recursive: true })
  }

  #path(name: string): string {
    return join(this.#directory, name)
  }
}
