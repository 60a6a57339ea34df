import { randomBytes } from 'node:crypto'
import { Lab, type LabHost, type LabOptions } from '../lab/lab.ts'
import { LAB_ROOTS } from '../lab/lab-paths.ts'
import { removeLabs } from '../lab/leftovers.ts'
import { CommandError } from './command-error.ts'
import { findShim } from './find-shim.ts'
import { ownCommand } from './own-command.ts'
import type { Terminal } from './terminal.ts'

/**
 * Runs a lab around `work`, which starts it. Whatever happens it is removed, unless `work` says to keep it: on
 * errors, Ctrl-C and SIGTERM too. What labs that were killed left behind is removed first. See `becomeRoot`.
 */
export async function withLab(
  options: Omit<LabOptions, 'id'>,
  terminal: Terminal,
  work: (lab: Lab) => Promise<'keep' | 'remove'>,
): Promise<void> {
  await asCommand(removeLabs(LAB_ROOTS, ['abandoned']))
  const lab = new Lab({ ...options, id: randomBytes(3).toString('hex') }, hostOf(terminal))
  const interruption = interruptions()
  try {
    const outcome = await asCommand(Promise.race([work(lab), interruption.promise]))
    await (outcome === 'keep' ? lab.keep() : lab.stop())
  } catch (error) {
    await lab.stop()
    if (error instanceof CommandError && error.cause instanceof Interruption) {
      process.exit(error.cause.exitCode)
    }
    throw error
  } finally {
    interruption.forget()
  }
}

/** What goes wrong in a lab is told in a sentence. */
export async function asCommand<Result>(work: Promise<Result>): Promise<Result> {
  try {
    return await work
  } catch (error) {
    if (!(error instanceof Error)) throw error
    throw new CommandError(error.message, { cause: error })
  }
}

function hostOf(terminal: Terminal): LabHost {
  return {
    roots: LAB_ROOTS,
    pid: process.pid,
    sluice: ownCommand(),
    shim: findShim(import.meta.dirname),
    progress: (line) => terminal.err(`${line}\n`),
  }
}

const SIGNALS = { SIGINT: 2, SIGTERM: 15, SIGHUP: 1 } as const

/** The user or the system wants us to end. */
class Interruption extends Error {
  override readonly name = 'Interruption'
  /** As shells tell of a process that a signal ended. */
  readonly exitCode: number

  constructor(signal: keyof typeof SIGNALS) {
    super(`ended by ${signal}`)
    this.exitCode = 128 + SIGNALS[signal]
  }
}

/** A promise that rejects with an `Interruption` when a signal comes, until it is forgotten. */
function interruptions(): { readonly promise: Promise<never>; readonly forget: () => void } {
  const { promise, reject } = Promise.withResolvers<never>()
  const onSignal = (signal: keyof typeof SIGNALS) => reject(new Interruption(signal))
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal).on('SIGHUP', onSignal)
  return {
    promise,
    forget: () => {
      process.off('SIGINT', onSignal).off('SIGTERM', onSignal).off('SIGHUP', onSignal)
    },
  }
}
