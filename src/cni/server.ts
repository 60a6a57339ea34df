import type * as nodeFs from 'node:fs/promises'
import { createConnection, createServer, type Server, type Socket } from 'node:net'
import { dirname } from 'node:path'
import { CniError, toCniError } from './errors.ts'
import { type CniReply, decodeRequest, encodeReply, requestLength } from './frame.ts'
import { type CniHandler, errorReply } from './verbs.ts'

export interface CniServerOptions {
  /** At most 107 bytes (sockaddr_un). Its directory becomes private to this user. */
  readonly path: string
  readonly handle: CniHandler
  /** How long a client may take to send its request, and then to fetch its reply. */
  readonly clientTimeoutMs: number
  readonly files: Pick<typeof nodeFs, 'chmod' | 'mkdir' | 'rm'>
}

export interface CniServer {
  /** Takes no more requests, lets those under way finish, and removes the socket. */
  close(): Promise<void>
}

/**
 * Listens for `sluice-cni`: one request a connection, any number of connections at a time.
 *
 * @throws CniError (io) when the socket cannot be made, or another agent listens on it.
 */
export async function serveCni(options: CniServerOptions): Promise<CniServer> {
  const conversations = new Set<Promise<void>>()
  // Half-open, since a client may close its writing side and still wait for the reply.
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const conversation = converse(socket, options).finally(() => conversations.delete(conversation))
    conversations.add(conversation)
  })
  try {
    await open(server, options)
  } catch (error) {
    throw toCniError(error, 'io', `The CNI socket ${options.path} cannot be opened`)
  }
  return {
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve))
      await Promise.all(conversations)
      await closed
    },
  }
}

async function open(server: Server, { path, files }: CniServerOptions): Promise<void> {
  const directory = dirname(path)
  await files.mkdir(directory, { recursive: true, mode: 0o700 })
  await files.chmod(directory, 0o700)
  if (await isServed(path)) {
    throw new CniError('io', `Another agent listens on ${path}; stop it first`)
  }
  // What an agent that was killed leaves behind.
  await files.rm(path, { force: true })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, () => {
      server.removeListener('error', reject)
      resolve()
    })
  })
  await files.chmod(path, 0o600)
}

function isServed(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createConnection(path)
    probe.once('error', () => resolve(false))
    probe.once('connect', () => {
      probe.destroy()
      resolve(true)
    })
  })
}

/** Reads a request, answers it and hangs up. Never rejects: there is nobody else to tell. */
async function converse(socket: Socket, options: CniServerOptions): Promise<void> {
  // A client that went away gets no reply; what it asked for is done all the same.
  socket.on('error', () => socket.destroy())
  const reply = await answer(socket, options)
  if (reply === undefined || socket.destroyed) {
    socket.destroy()
    return
  }
  await hangUp(socket, encodeReply(reply), options.clientTimeoutMs)
}

/** The reply, or undefined for a client that did not send a whole request. */
async function answer(socket: Socket, options: CniServerOptions): Promise<CniReply | undefined> {
  try {
    const frame = await readFrame(socket, options.clientTimeoutMs)
    return frame === undefined ? undefined : await options.handle(decodeRequest(frame))
  } catch (error) {
    return errorReply(error, '')
  }
}

/** The bytes of a request; undefined when the client is too slow or stops before the end. @throws CniError */
async function readFrame(socket: Socket, timeoutMs: number): Promise<Buffer | undefined> {
  // Timers come before sockets: when this process had no processor, what was sent in time is read only then.
  let lastLook: NodeJS.Immediate | undefined
  const timer = setTimeout(() => (lastLook = setImmediate(() => socket.destroy())), timeoutMs)
  const chunks: Buffer[] = []
  let receivedBytes = 0
  let length: number | undefined
  try {
    for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
      chunks.push(Buffer.from(chunk))
      receivedBytes += chunk.length
      length ??= requestLength(Buffer.concat(chunks))
      if (length !== undefined && receivedBytes >= length) return Buffer.concat(chunks)
    }
  } catch (error) {
    // Anything else is the connection's end.
    if (error instanceof CniError) throw error
  } finally {
    clearTimeout(timer)
    clearImmediate(lastLook)
  }
  return undefined
}

/** Sends the reply and closes. What the client still sends is read and dropped, or it could not reach the reply. */
function hangUp(socket: Socket, reply: Buffer, timeoutMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => socket.destroy(), timeoutMs)
    socket.once('close', () => {
      clearTimeout(timer)
      resolve()
    })
    socket.resume()
    socket.end(reply)
  })
}
