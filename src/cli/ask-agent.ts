import { type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { CommandError } from './command-error.ts'

/**
 * What the agent of this node answers to `GET`.
 *
 * @param socketPath `agent.sock` in the agent's run directory
 * @throws {CommandError} when there is no agent, when only root may ask it, or when it refuses to answer
 */
export async function askAgent(socketPath: string, path: string): Promise<string> {
  return text(await openAnswer(socketPath, path))
}

/** Like `askAgent`, piece by piece as it comes. */
export function openAnswer(socketPath: string, path: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path, agent: false }, (response) => {
      if (response.statusCode === 200) return resolve(response)
      text(response).then((sentence) => reject(new CommandError(sentence.trim())), reject)
    })
    asked.on('error', (error: NodeJS.ErrnoException) => {
      reject(new CommandError(unreachable(socketPath, error)))
    })
    asked.end()
  })
}

function unreachable(socketPath: string, { code, message }: NodeJS.ErrnoException): string {
  return code === 'EACCES'
    ? `You may not talk to ${socketPath}; run this as root.`
    : `No agent answers at ${socketPath} (${code ?? message}). Does it run, and with this --run-dir?`
}
