import { type ChildProcess, spawn } from 'node:child_process'

/**
 * Starts a server and resolves when a line that it prints has this word. Rejects when it ends before; the words
 * of its own that say why are on our stderr.
 */
export function started(
  word: string,
  program: string,
  ...args: readonly string[]
): Promise<ChildProcess> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  return new Promise((resolve, reject) => {
    let printed = ''
    child.stdout.setEncoding('utf8')
    child.stdout.on('data', (text: string) => {
      printed += text
      if (printed.includes(word)) resolve(child)
    })
    child.on('error', reject)
    child.on('exit', () => reject(new Error(`${program} ended before it served: ${printed}`)))
  })
}
