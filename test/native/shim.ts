import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export const MIB = 1024 * 1024

/** One thing that sluice-cni does; run on the real one, and on the one built with sanitizers. */
export interface ShimCase {
  readonly name: string
  readonly run: (shim: Shim) => Promise<void>
}

/** sluice-cni in a folder of its own, which holds the agent's socket and the queue of deletions. */
export interface Shim {
  readonly binary: string
  readonly folder: string
  readonly socketPath: string
  readonly queue: string
  readonly call: (environment: Environment, stdin?: Uint8Array | string) => Promise<Outcome>
  /** Plays the agent, and calls `answer` at each whole request. Returns the list they are put into. */
  readonly serve: (answer: Answer) => Promise<readonly Buffer[]>
}

export type Environment = Readonly<Record<string, string>>
export type Answer = (client: Socket, request: Buffer) => void

export interface Outcome {
  readonly code: number | null
  readonly signal: string | null
  readonly stdout: string
  readonly stderr: string
}

export async function withShim(binary: string, run: ShimCase['run']): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-shim-'))
  const [socketPath, queue] = [join(folder, 'cni.sock'), join(folder, 'del')]
  const paths = { SLUICE_CNI_SOCKET: socketPath, SLUICE_CNI_DELETE_DIR: queue }
  const closers: (() => Promise<void>)[] = []
  try {
    await run({
      binary,
      folder,
      socketPath,
      queue,
      call: (environment, stdin = '{}') => callShim(binary, { ...paths, ...environment }, stdin),
      serve: async (answer) => {
        const { requests, close } = await playAgent(socketPath, answer)
        closers.push(close)
        return requests
      },
    })
  } finally {
    await Promise.all(closers.map((close) => close()))
    rmSync(folder, { recursive: true })
  }
}

/** 'SLC1' and two numbers, in requests and replies alike. */
export function header(first: number, second: number): Buffer {
  const bytes = Buffer.from('SLC1........')
  bytes.writeUInt32LE(first, 4)
  bytes.writeUInt32LE(second, 8)
  return bytes
}

export function reply(exitCode: number, body: Uint8Array | string): Buffer {
  const bytes = Buffer.from(body)
  return Buffer.concat([header(exitCode, bytes.length), bytes])
}

async function callShim(
  binary: string,
  env: Environment,
  stdin: Uint8Array | string,
): Promise<Outcome> {
  const child = spawn(binary, { env })
  // A program that refuses its stdin hangs up on it, which is no failure of the test.
  child.stdin.on('error', () => {})
  child.stdin.end(stdin)
  const [stdout, stderr, [code, signal]] = await Promise.all([
    child.stdout.toArray(),
    child.stderr.toArray(),
    once(child, 'close'),
  ])
  return { code, signal, stdout: textOf(stdout), stderr: textOf(stderr) }
}

async function playAgent(socketPath: string, answer: Answer) {
  const requests: Buffer[] = []
  const clients = new Set<Socket>()
  const server = createServer((client) => {
    let received = Buffer.alloc(0)
    clients.add(client)
    client.on('error', () => {})
    client.on('data', (chunk) => {
      received = Buffer.concat([received, Buffer.from(chunk)])
      if (received.length < 12 || received.length < frameLength(received)) return
      requests.push(received)
      answer(client, received)
    })
  })
  server.listen(socketPath)
  await once(server, 'listening')
  const close = async (): Promise<void> => {
    for (const client of clients) client.destroy()
    server.close()
    await once(server, 'close')
  }
  return { requests, close }
}

function frameLength(request: Buffer): number {
  return 12 + request.readUInt32LE(4) + request.readUInt32LE(8)
}

function textOf(chunks: readonly Buffer[]): string {
  return Buffer.concat(chunks).toString()
}
