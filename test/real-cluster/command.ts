import { spawn } from 'node:child_process'

export interface CommandOptions {
  /** Given to its standard input; nothing by default. */
  readonly input?: string | Uint8Array | undefined
  /** Killed after this long. */
  readonly timeoutMs?: number
}

export interface Outcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

const TIMEOUT_MS = 120_000

/** Runs a program to its end, whatever that is. Rejects only when it cannot be run at all. */
export function attempt(
  argv: readonly string[],
  { input, timeoutMs = TIMEOUT_MS }: CommandOptions = {},
): Promise<Outcome> {
  const [program = '', ...rest] = argv
  return new Promise((resolve, reject) => {
    const child = spawn(program, rest, { timeout: timeoutMs, killSignal: 'SIGKILL' })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, stdout, stderr }))
    // A program that ends without reading its input is no trouble of ours.
    child.stdin.on('error', () => {})
    child.stdin.end(input)
  })
}

/** Runs a program and resolves to what it printed. Rejects with its last words when it fails. */
export async function run(argv: readonly string[], options: CommandOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await attempt(argv, options)
  if (code === 0) return stdout
  const words = (stderr || stdout).trimEnd().split('\n').slice(-LAST_LINES).join('\n')
  throw new Error(`${argv.join(' ')} failed (${code ?? 'killed'}):\n${words}`)
}

const LAST_LINES = 15
