import { type Json, type JsonObject, isObject } from '../json.ts'
import { BrokenConnection, ProtocolError } from './errors.ts'

/**
 * What objects stand in: 'stream', one after the other (a watch, or a single object); 'list', in the `items` of
 * one object.
 */
export type Framing = 'stream' | 'list'

/** The API server takes 3 MiB in one request (`MaxRequestBodyBytes`); a watch event wraps it in a little more. */
const MAX_OBJECT_BYTES = 8 * 1024 * 1024
/** Of a list: all but its items. */
const MAX_ENVELOPE_BYTES = 64 * 1024

const [QUOTE, BACKSLASH, COMMA] = [0x22, 0x5c, 0x2c]
const [OPEN_OBJECT, CLOSE_OBJECT, OPEN_LIST, CLOSE_LIST] = [0x7b, 0x7d, 0x5b, 0x5d]

/**
 * Finds the objects of an answer while it comes in, however it is cut into chunks. Only one object at a time is
 * ever held as text. Give it the chunks with `push`, then call `end`.
 */
export class JsonSplitter {
  readonly #framing: Framing
  /** 'between': behind one object and before the next. */
  #place: 'envelope' | 'between' | 'object'
  #depth = 0
  #inString = false
  #escaped = false
  /** Of the object or the envelope that `#place` says, what came in earlier chunks. */
  #parts: Buffer[] = []
  #partsBytes = 0
  /** Where, in the chunk at hand, the rest of it begins. */
  #start = 0
  #envelope = ''

  constructor(framing: Framing) {
    this.#framing = framing
    this.#place = framing === 'stream' ? 'between' : 'envelope'
  }

  /**
   * The objects that this chunk completes.
   * @throws {ProtocolError} for what is no JSON, no objects, or an object over 8 MiB
   */
  push(chunk: Buffer): JsonObject[] {
    const objects: JsonObject[] = []
    this.#start = 0
    for (let at = 0; at < chunk.length; at++) {
      if (this.#inString) {
        at = this.#endOfString(chunk, at)
        continue
      }
      const byte = chunk[at]
      if (this.#place === 'between') this.#expectObject(byte, at)
      if (byte === QUOTE) this.#inString = true
      else if (byte === OPEN_OBJECT || byte === OPEN_LIST) this.#open(chunk, at)
      else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) {
        const object = this.#close(chunk, at)
        if (object !== undefined) objects.push(object)
      }
    }
    if (this.#place !== 'between') this.#keep(chunk.subarray(this.#start))
    return objects
  }

  /**
   * The answer is complete. Returns what a list says beside its items, with `items` empty; of a stream, nothing.
   * @throws {BrokenConnection} when an object, or the list, is not complete
   * @throws {ProtocolError} for what is no list
   */
  end(): JsonObject {
    if (this.#framing === 'stream' && this.#place === 'between') return {}
    if (this.#place !== 'envelope' || this.#depth > 0) {
      throw new BrokenConnection('dropped', 'The answer of the API server ends in mid-object.')
    }
    this.#takeEnvelope(Buffer.alloc(0))
    return parse(this.#envelope)
  }

  /** Of the string that `at` lies in; the end of the chunk if it goes on behind that. */
  #endOfString(chunk: Buffer, from: number): number {
    for (let at = from; at < chunk.length; at++) {
      const byte = chunk[at]
      if (this.#escaped) this.#escaped = false
      else if (byte === BACKSLASH) this.#escaped = true
      else if (byte === QUOTE) {
        this.#inString = false
        return at
      }
    }
    return chunk.length
  }

  #expectObject(byte: number | undefined, at: number): void {
    const inList = this.#framing === 'list'
    if (byte === OPEN_OBJECT) {
      this.#place = 'object'
      this.#start = at
    } else if (inList && byte === CLOSE_LIST) {
      this.#place = 'envelope'
      this.#start = at
    } else if (!isSpace(byte) && !(inList && byte === COMMA)) {
      throw new ProtocolError('The API server sends something that is no object of JSON.')
    }
  }

  #open(chunk: Buffer, at: number): void {
    this.#depth += 1
    if (this.#place !== 'envelope' || this.#depth !== 2 || chunk[at] !== OPEN_LIST) return
    this.#takeEnvelope(chunk.subarray(this.#start, at + 1))
    this.#start = at + 1
    if (/[{,]\s*"items"\s*:\s*\[$/.test(this.#envelope)) this.#place = 'between'
  }

  #close(chunk: Buffer, at: number): JsonObject | undefined {
    this.#depth -= 1
    const outside = this.#framing === 'stream' ? 0 : 2
    if (this.#place !== 'object' || this.#depth !== outside) return undefined
    this.#place = 'between'
    return parse(this.#take(chunk.subarray(this.#start, at + 1)))
  }

  #takeEnvelope(rest: Buffer): void {
    this.#envelope += this.#take(rest)
  }

  #take(rest: Buffer): string {
    if (this.#parts.length === 0) return rest.toString()
    this.#keep(rest)
    const text = Buffer.concat(this.#parts).toString()
    this.#parts = []
    this.#partsBytes = 0
    return text
  }

  #keep(part: Buffer): void {
    this.#parts.push(part)
    this.#partsBytes += part.length
    const inEnvelope = this.#place === 'envelope'
    const limit = inEnvelope ? MAX_ENVELOPE_BYTES : MAX_OBJECT_BYTES
    if (this.#partsBytes + (inEnvelope ? this.#envelope.length : 0) <= limit) return
    const what = inEnvelope ? 'the head of a list' : 'an object'
    throw new ProtocolError(`The API server sends ${what} of more than ${limit / 1024} KiB.`)
  }
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
}

function parse(text: string): JsonObject {
  const value = parseJson(text)
  if (isObject(value)) return value
  throw new ProtocolError('The API server sends JSON that is no object.')
}

function parseJson(text: string): Json {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new ProtocolError('The API server sends what is no JSON.', { cause: error })
  }
}
