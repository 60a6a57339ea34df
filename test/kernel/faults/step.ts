import { execFileSync } from 'node:child_process'
import nodeFs from 'node:fs'
import { join } from 'node:path'
import { type Fault, FAULT_DIRECTORY, type Plan, PLAN_FILE, STEPS_FILE } from './plan.ts'

// As they are before `preload.ts` makes steps of them.
const { closeSync, openSync, readFileSync, writeSync } = nodeFs
const directory = process.env[FAULT_DIRECTORY] ?? ''
let plan: Plan | undefined
let count = 0

/**
 * To be called in the agent before each of its steps: whatever the world outside would see of it. Does what is
 * planned for the step, so it may not return.
 *
 * @param part of the step that is done before the fault
 * @returns a fault that the step itself has to show
 */
export function step(name: string, part: () => void = () => {}): Fault | undefined {
  const now = readPlan()
  if (now === undefined) return undefined
  if (now.id !== plan?.id) count = 0
  plan = now
  count += 1
  const fault = count === plan.at ? plan.fault : undefined
  if (fault?.kind === 'run') execFileSync(fault.command[0], fault.command.slice(1))
  // It may come to steps of its own.
  else if (fault !== undefined) part()
  // Whoever reads of the step may count on what was planned for it.
  note(name)
  if (fault?.kind === 'kill') process.kill(process.pid, 'SIGKILL')
  return fault
}

function note(name: string): void {
  const file = openSync(join(directory, STEPS_FILE), 'a')
  writeSync(file, `${name}\n`)
  closeSync(file)
}

function readPlan(): Plan | undefined {
  try {
    return JSON.parse(readFileSync(join(directory, PLAN_FILE), 'utf8'))
  } catch {
    return undefined
  }
}
