import { CniError } from './errors.ts'

/**
 * What `sluice-cni` and the agent say to each other; every integer is a little-endian u32.
 *
 *   request = 'SLC1', bytes of environment, bytes of stdin, environment (`NAME=VALUE\0` …), stdin
 *   reply   = 'SLC1', exit code, bytes of body, body
 */
export interface CniRequest {
  /** Only `CNI_*` variables. */
  readonly environment: ReadonlyMap<string, string>
  /** The network configuration, not yet parsed. */
  readonly stdin: string
}

/** What the shim prints and exits with. */
export interface CniReply {
  readonly exitCode: number
  readonly body: string
}

export const ENVIRONMENT_LIMIT_BYTES = 64 * 1024
export const STDIN_LIMIT_BYTES = 1024 * 1024

const MAGIC = Buffer.from('SLC1')
const HEADER_BYTES = 12

/**
 * The length in bytes of the request that begins with `head`; undefined while `head` is too short to tell.
 *
 * @throws CniError (undecodable) as soon as the beginning cannot be that of a request within the limits.
 */
export function requestLength(head: Buffer): number | undefined {
  const magic = head.subarray(0, MAGIC.length)
  if (!magic.equals(MAGIC.subarray(0, magic.length))) {
    throw undecodable('it does not begin with SLC1; is the sluice-cni program of this version?')
  }
  if (head.length < HEADER_BYTES) return undefined
  const environmentBytes = withinLimit(head, 4, 'environment', ENVIRONMENT_LIMIT_BYTES)
  const stdinBytes = withinLimit(head, 8, 'network configuration', STDIN_LIMIT_BYTES)
  return HEADER_BYTES + environmentBytes + stdinBytes
}

/**
 * Reads one whole request.
 *
 * @throws CniError (undecodable) when it is garbled, cut short or followed by anything.
 */
export function decodeRequest(frame: Buffer): CniRequest {
  const length = requestLength(frame)
  if (length === undefined || frame.length < length) throw undecodable('it is cut short')
  if (frame.length > length) throw undecodable(`${frame.length - length} bytes follow its end`)
  const stdinStart = HEADER_BYTES + frame.readUInt32LE(4)
  return {
    environment: readEnvironment(textOf(frame.subarray(HEADER_BYTES, stdinStart), 'environment')),
    stdin: textOf(frame.subarray(stdinStart), 'network configuration'),
  }
}

export function encodeReply(reply: CniReply): Buffer {
  const body = Buffer.from(reply.body)
  return Buffer.concat([header(reply.exitCode, body.length), body])
}

function header(first: number, second: number): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES)
  MAGIC.copy(bytes)
  bytes.writeUInt32LE(first, 4)
  bytes.writeUInt32LE(second, 8)
  return bytes
}

function withinLimit(head: Buffer, offset: number, what: string, limitBytes: number): number {
  const bytes = head.readUInt32LE(offset)
  if (bytes > limitBytes) {
    throw undecodable(`its ${what} of ${bytes} bytes is over the limit of ${limitBytes} bytes`)
  }
  return bytes
}

function textOf(bytes: Uint8Array, what: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    throw undecodable(`its ${what} is not UTF-8`, cause)
  }
}

function readEnvironment(block: string): ReadonlyMap<string, string> {
  const environment = new Map<string, string>()
  if (block === '') return environment
  if (!block.endsWith('\0')) throw undecodable('the last variable of its environment is cut short')
  for (const variable of block.slice(0, -1).split('\0')) {
    const [, name, value] = /^(CNI_[A-Z_]+)=(.*)$/su.exec(variable) ?? []
    if (name === undefined || value === undefined) {
      throw undecodable(`its environment holds ${JSON.stringify(variable.slice(0, 40))}`)
    }
    if (environment.has(name)) throw undecodable(`its environment holds ${name} twice`)
    environment.set(name, value)
  }
  return environment
}

function undecodable(reason: string, cause?: unknown): CniError {
  return new CniError('undecodable', `The CNI request cannot be read: ${reason}`, { cause })
}
