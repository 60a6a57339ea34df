import { align, NLA_F_NESTED, NLA_HDRLEN } from './attributes.ts'
import type { Attribute } from './attributes.ts'
import { NetlinkEncodeError } from './errors.ts'
import { bigints, numbers } from './integers.ts'
import type { BigintType, NumberType } from './integers.ts'

/**
 * Attributes written one behind the other into a buffer that grows. `encode` uses it; loops over very many
 * values (set elements) may use it directly. Values are range-checked, lengths too.
 */
export class AttributeWriter {
  #bytes = new Uint8Array(512)
  #view = new DataView(this.#bytes.buffer)
  #length = 0

  /** Bytes written so far, the padding behind the last attribute included. */
  get length(): number {
    return this.#length
  }

  /** Begins anew, with the memory that it has: zeros again, of which paddings are made. */
  clear(): void {
    this.#bytes.fill(0, 0, this.#length)
    this.#length = 0
  }

  /** What was written: a view, valid until the next write. */
  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length)
  }

  /** Begins a nest; give the returned start to `close` when its content is written. */
  open(attribute: Attribute): number {
    const start = this.#length
    this.#header(attribute, 0, NLA_F_NESTED)
    return start
  }

  /** @throws {NetlinkEncodeError} when the nest is larger than an attribute can be (65,535 bytes). */
  close(attribute: Attribute, start: number): void {
    const length = this.#length - start
    if (length > MAX_BYTES) throw tooLong(attribute, length)
    this.#view.setUint16(start, length, true)
  }

  number(attribute: Attribute, type: NumberType, value: number): void {
    const { bytes, min, max, write } = numbers[type]
    if (!Number.isInteger(value) || value < min || value > max) throw outOfRange(attribute, value)
    const at = this.#header(attribute, bytes)
    write(this.#view, at, value)
  }

  bigint(attribute: Attribute, type: BigintType, value: bigint): void {
    const { bytes, min, max, write } = bigints[type]
    if (value < min || value > max) throw outOfRange(attribute, value)
    const at = this.#header(attribute, bytes)
    write(this.#view, at, value)
  }

  /** `flags` is `NLA_F_NESTED` where the bytes are encoded attributes. */
  binary(attribute: Attribute, value: Uint8Array, flags = 0): void {
    const at = this.#header(attribute, value.length, flags)
    this.#bytes.set(value, at)
  }

  /** UTF-8 with the closing NUL. */
  string(attribute: Attribute, value: string): void {
    if (value.includes('\0')) {
      throw new NetlinkEncodeError(attribute.name, 'the string contains a NUL character.')
    }
    const at = this.#header(attribute, Buffer.byteLength(value) + 1)
    utf8.encodeInto(value, this.#bytes.subarray(at))
  }

  flag(attribute: Attribute): void {
    this.#header(attribute, 0)
  }

  /** Writes the header, makes room for the payload with its padding (zeros), returns where it begins. */
  #header(attribute: Attribute, payloadBytes: number, flags = 0): number {
    const length = NLA_HDRLEN + payloadBytes
    if (length > MAX_BYTES) throw tooLong(attribute, length)
    const start = this.#length
    this.#length = start + align(length)
    if (this.#length > this.#bytes.length) this.#grow()
    this.#view.setUint16(start, length, true)
    this.#view.setUint16(start + 2, attribute.number | flags, true)
    return start + NLA_HDRLEN
  }

  #grow(): void {
    const larger = new Uint8Array(Math.max(2 * this.#bytes.length, this.#length))
    larger.set(this.#bytes)
    this.#bytes = larger
    this.#view = new DataView(larger.buffer)
  }
}

/** nla_len is a u16 and counts the header. */
const MAX_BYTES = 0xffff

const utf8 = new TextEncoder()

function tooLong(attribute: Attribute, bytes: number): NetlinkEncodeError {
  return new NetlinkEncodeError(
    attribute.name,
    `it has ${bytes} bytes and an attribute holds at most ${MAX_BYTES}; split it over several messages.`,
  )
}

function outOfRange(attribute: Attribute, value: number | bigint): NetlinkEncodeError {
  return new NetlinkEncodeError(attribute.name, `${value} is not a value of its integer type.`)
}
