import { type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { CommandError } from './command-error.ts'

/** Nobody answers; a moment later somebody may. */
export class AgentAway extends CommandError {}

/** The agent says no. */
export class AgentRefusal extends CommandError {
  /** Of HTTP. */
  readonly status: number

  constructor(status: number, sentence: string) {
    super(sentence)
    this.status = status
  }
}

/**
 * What the agent of this node answers to `GET`.
 *
 * @param socketPath `agent.sock` in the agent's run directory
 * @throws {AgentAway} when there is no agent
 * @throws {AgentRefusal} when it refuses to answer
 * @throws {CommandError} when only root may ask it
 */
export async function askAgent(socketPath: string, path: string): Promise<string> {
  return text(await openAnswer(socketPath, path))
}

/** Like `askAgent`, piece by piece as it comes. */
export function openAnswer(socketPath: string, path: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path, agent: false }, (response) => {
      if (response.statusCode === 200) return resolve(response)
      const { statusCode = 0 } = response
      text(response).then(
        (sentence) => reject(new AgentRefusal(statusCode, sentence.trim())),
        reject,
      )
    })
    asked.on('error', (error: NodeJS.ErrnoException) => {
      reject(unreachable(socketPath, error))
    })
    asked.end()
  })
}

function unreachable(socketPath: string, { code, message }: NodeJS.ErrnoException): CommandError {
  if (code === 'EACCES') {
    return new CommandError(`You may not talk to ${socketPath}; run this as root.`)
  }
  return new AgentAway(
    `No agent answers at ${socketPath} (${code ?? message}). Does it run, and with this --run-dir?`,
  )
}
