import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

/** As the image and deploy/sluice.yaml run the agent. */
export const AGENT_FLAGS = ['--max-semi-space-size=4']
export const AGENT_ENVIRONMENT = { ...process.env, MALLOC_ARENA_MAX: '1' }

/** A process of ours that tells things by messages. */
export interface Child {
  readonly process: ChildProcess
  /** The next message. Rejects when the process ends before. */
  next(): Promise<unknown>
  tell(message: string): void
  /** Kills it where it has not ended. */
  end(): Promise<void>
}

/** @param script beside this file */
export function startChild(
  script: string,
  args: readonly string[],
  flags: readonly string[] = AGENT_FLAGS,
): Child {
  const child = fork(join(import.meta.dirname, script), args, {
    env: AGENT_ENVIRONMENT,
    execArgv: [...flags],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const messages: unknown[] = []
  child.on('message', (message) => messages.push(message))
  const ended = once(child, 'exit')
  return {
    process: child,
    next: async () => {
      if (messages.length > 0) return messages.shift()
      const fails = ended.then(() => {
        if (messages.length === 0) throw new Error(`${script} of the benchmark has ended.`)
      })
      await Promise.race([once(child, 'message'), fails])
      return messages.shift()
    },
    tell: (message) => void child.send(message),
    end: async () => {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
      await ended
    },
  }
}
