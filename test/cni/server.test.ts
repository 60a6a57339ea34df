import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import fs from 'node:fs/promises'
import { existsSync, statSync } from 'node:fs'
import { createConnection, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { encodeRequest } from './encode-request.ts'
import { type CniServer, serveCni } from '../../src/cni/server.ts'
import type { CniHandler } from '../../src/cni/verbs.ts'

const FRAME = encodeRequest({ environment: new Map([['CNI_COMMAND', 'ADD']]), stdin: '{"a":1}' })
const CLIENT_TIMEOUT_MS = 150

let root: string
let path: string
let server: CniServer | undefined

beforeEach(async () => {
  root = await fs.mkdtemp(join(tmpdir(), 'sluice-server-'))
  path = join(root, 'run', 'cni.sock')
})

afterEach(async () => {
  await server?.close()
  server = undefined
  await fs.rm(root, { recursive: true })
})

const echo: CniHandler = async (request) => ({ exitCode: 0, body: request.stdin })

async function serve(handle: CniHandler = echo): Promise<void> {
  server = await serveCni({ path, handle, clientTimeoutMs: CLIENT_TIMEOUT_MS, files: fs })
}

async function connect(): Promise<Socket> {
  const socket = createConnection({ path, allowHalfOpen: true })
  await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject))
  return socket
}

/** All that the server sends until it closes. */
async function received(socket: Socket): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of socket) chunks.push(Buffer.from(chunk))
  socket.destroy()
  return Buffer.concat(chunks).toString('latin1')
}

async function ask(bytes: Uint8Array): Promise<string> {
  const socket = await connect()
  socket.write(bytes)
  return received(socket)
}

function reply(exitCode: number, body: string): string {
  const head = Buffer.from('SLC1\0\0\0\0\0\0\0\0')
  head.writeUInt32LE(exitCode, 4)
  head.writeUInt32LE(body.length, 8)
  return head.toString('latin1') + body
}

test('a request is answered and the connection closed', async () => {
  await serve()
  expect(await ask(FRAME)).toBe(reply(0, '{"a":1}'))
})

test('one that comes a byte at a time, and one whose sender has hung up its side', async () => {
  await serve()
  const socket = await connect()
  for (const byte of FRAME) socket.write(Uint8Array.of(byte))
  expect(await received(socket)).toBe(reply(0, '{"a":1}'))
  const halfOpen = await connect()
  halfOpen.end(FRAME)
  expect(await received(halfOpen)).toBe(reply(0, '{"a":1}'))
})

test('requests are served side by side', async () => {
  const gate = Promise.withResolvers<void>()
  let waiting = 0
  await serve(async () => {
    if (++waiting === 3) gate.resolve()
    await gate.promise
    return { exitCode: 7, body: '' }
  })
  expect(await Promise.all([ask(FRAME), ask(FRAME), ask(FRAME)])).toEqual(
    Array.from({ length: 3 }, () => reply(7, '')),
  )
})

test('a request that was sent in time is answered, however late the server gets a processor', async () => {
  await serve()
  const hold = new Int32Array(new SharedArrayBuffer(4))
  const accepted = () => setImmediate(() => Atomics.wait(hold, 0, 0, 2 * CLIENT_TIMEOUT_MS))
  subscribe('net.server.socket', accepted)
  try {
    expect(await ask(FRAME)).toBe(reply(0, '{"a":1}'))
  } finally {
    unsubscribe('net.server.socket', accepted)
  }
})

test('a large reply arrives whole', async () => {
  const body = 'x'.repeat(3_000_000)
  await serve(async () => ({ exitCode: 0, body }))
  expect(await ask(FRAME)).toHaveLength(12 + body.length)
})

describe('bad clients', () => {
  test.each([
    ['garbage', Buffer.from('GET / HTTP/1.1\r\n\r\n'), 'does not begin with SLC1'],
    ['a frame with a tail', Buffer.concat([FRAME, Buffer.from('x')]), '1 bytes follow its end'],
    [
      'a frame over the limit, with all that it promises',
      Buffer.concat([Buffer.from('SLC1\0\0\0\0\x01\0\x10\0', 'latin1'), Buffer.alloc(1_048_577)]),
      'is over the limit of 1048576 bytes',
    ],
  ])('%s gets a CNI error', async (_, bytes, reason) => {
    await serve()
    const answer = await ask(bytes)
    expect(answer.slice(0, 8)).toBe('SLC1\x01\0\0\0')
    const result: unknown = JSON.parse(answer.slice(12))
    expect(result).toMatchObject({
      cniVersion: '1.1.0',
      code: 6,
      msg: expect.stringContaining(reason),
    })
  })

  test('half a frame and then the end gets no reply', async () => {
    await serve()
    const socket = await connect()
    socket.end(FRAME.subarray(0, 20))
    expect(await received(socket)).toBe('')
  })

  test('a client that dawdles is cut off', async () => {
    await serve()
    expect(await ask(FRAME.subarray(0, 20))).toBe('')
  })

  test('a client that never reads or closes holds nothing up', async () => {
    await serve(async () => ({ exitCode: 0, body: 'x'.repeat(3_000_000) }))
    const socket = await connect()
    socket.pause()
    socket.write(FRAME)
    expect(await ask(FRAME)).toHaveLength(3_000_012)
    await server?.close()
    socket.destroy()
  })

  test('a client that leaves does not stop what it asked for', async () => {
    const gate = Promise.withResolvers<void>()
    const started = Promise.withResolvers<void>()
    let finished = false
    await serve(async () => {
      started.resolve()
      await gate.promise
      finished = true
      return { exitCode: 0, body: '' }
    })
    const socket = await connect()
    socket.write(FRAME)
    await started.promise
    socket.destroy()
    gate.resolve()
    await server?.close()
    expect(finished).toBe(true)
  })
})

describe('the socket', () => {
  test('is for root alone', async () => {
    await fs.mkdir(join(root, 'run'), { mode: 0o755 })
    await serve()
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(statSync(join(root, 'run')).mode & 0o777).toBe(0o700)
  })

  test('is removed by close, which waits for requests under way', async () => {
    const gate = Promise.withResolvers<void>()
    const started = Promise.withResolvers<void>()
    await serve(async () => {
      started.resolve()
      await gate.promise
      return { exitCode: 0, body: 'done' }
    })
    const answer = ask(FRAME)
    await started.promise
    const closed = server?.close()
    gate.resolve()
    await closed
    expect(await answer).toBe(reply(0, 'done'))
    expect(existsSync(path)).toBe(false)
  })

  test('of an agent that was killed is replaced', async () => {
    await fs.mkdir(join(root, 'run'))
    // A plain file refuses connections just as the socket of a dead process does.
    await fs.writeFile(path, '')
    await serve()
    expect(await ask(FRAME)).toBe(reply(0, '{"a":1}'))
  })

  test('of an agent that lives is left to it', async () => {
    await fs.mkdir(join(root, 'run'))
    const other = createServer((socket) => socket.on('error', () => {}).end('other'))
    await new Promise<void>((resolve) => other.listen(path, resolve))
    await expect(serve()).rejects.toThrow(`Another agent listens on ${path}; stop it first`)
    expect(await received(await connect())).toBe('other')
    await new Promise((resolve) => other.close(resolve))
  })

  test('at a path too long for the kernel is an error that names it', async () => {
    path = join(root, 'x'.repeat(120))
    await expect(serve()).rejects.toThrow(`The CNI socket ${path} cannot be opened: `)
  })
})
