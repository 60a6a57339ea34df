import {
  AF_NETLINK,
  NETLINK_NETFILTER,
  NLM_F_CAPPED,
  NLMSG_ERROR,
  NLMSG_NOOP,
} from '../../../src/netlink/constants.ts'
import { messageName, NFNL_MSG_BATCH_BEGIN } from '../../../src/netlink/message-types.ts'
import {
  findAddon,
  loadAddon,
  type NativeSocket as Native,
  type SocketOptions,
} from '../../../src/netlink/native.ts'
import { DATAGRAM_BYTES } from '../../../src/netlink/open.ts'
import { step } from './step.ts'
import { errnoOf, systemError } from './system-error.ts'

const real = loadAddon(findAddon(import.meta.dirname))

class FaultySocket implements Native {
  readonly #socket: Native
  readonly #options: SocketOptions
  /** Of its own answers. */
  #portId = 0
  readonly #refusals: Uint8Array[] = []
  #answerLost = false

  constructor(options: SocketOptions) {
    const fault =
      options.domain === AF_NETLINK ? step(`open a socket${placeOf(options)}`) : undefined
    if (fault?.kind === 'refuse') throw systemError(fault.code, 'socket')
    this.#options = options
    this.#socket = new real.NativeSocket(options)
  }

  send(data: Uint8Array, address?: Uint8Array): void {
    if (this.#options.domain !== AF_NETLINK) {
      this.#socket.send(data, address)
      return
    }
    let waiting: Uint8Array[] = []
    const sendWaiting = (): void => {
      if (waiting.length > 0) this.#socket.send(Buffer.concat(waiting), address)
      waiting = []
    }
    for (const unit of unitsOf(data)) {
      if (this.#passes(unit, sendWaiting)) waiting.push(...unit)
    }
    sendWaiting()
  }

  receive(buffer: Uint8Array): number {
    if (this.#answerLost) {
      this.#answerLost = false
      throw systemError('ENOBUFS', 'recvmsg')
    }
    const refusal = this.#refusals.shift()
    if (refusal !== undefined) {
      buffer.set(refusal)
      return refusal.length
    }
    const length = this.#socket.receive(buffer)
    if (length >= HEADER_BYTES) this.#portId = viewOf(buffer).getUint32(12, true)
    return length
  }

  sendMany(data: Uint8Array, address: Uint8Array | undefined, count: number): number {
    return this.#socket.sendMany(data, address, count)
  }

  /** On this thread: what counts here is that its messages are steps too. */
  async exchange(data: Uint8Array, atMost = Number.POSITIVE_INFINITY): Promise<Uint8Array[]> {
    if (data.length > 0) this.send(data)
    const datagrams: Uint8Array[] = []
    const buffer = new Uint8Array(DATAGRAM_BYTES)
    while (datagrams.length < atMost) {
      const length = this.receive(buffer)
      if (length < 0) break
      datagrams.push(buffer.slice(0, length))
    }
    return datagrams
  }

  onReadable(callback: () => void): void {
    this.#socket.onReadable(callback)
  }

  ref(): void {
    this.#socket.ref()
  }

  unref(): void {
    this.#socket.unref()
  }

  close(): void {
    this.#socket.close()
  }

  /** Whether the messages go to the kernel; if not, the refusal waits to be received. */
  #passes(unit: readonly Uint8Array[], sendWaiting: () => void): boolean {
    // Inside a batch the first message is its mark.
    const [first, second] = unit
    const message = second ?? first
    if (message === undefined || typeOf(message) === NLMSG_NOOP) return true
    const fault = step(
      `${nameOf(unit, this.#options.protocol)}${placeOf(this.#options)}`,
      sendWaiting,
    )
    if (fault?.kind === 'lose') this.#answerLost = true
    if (fault?.kind !== 'refuse') return true
    this.#refusals.push(refusalOf(message, errnoOf(fault.code), this.#portId))
    return false
  }
}

/** struct nlmsghdr (linux/netlink.h): length, type, flags, sequence, port id; in x86 and arm64 byte order. */
const HEADER_BYTES = 16

/** What the kernel takes or refuses as one: a transaction of nf_tables, or a single message. */
function unitsOf(datagram: Uint8Array): Uint8Array[][] {
  const messages: Uint8Array[] = []
  for (let at = 0; at < datagram.length; ) {
    const length = (viewOf(datagram).getUint32(at, true) + 3) & ~3
    messages.push(datagram.subarray(at, at + length))
    at += length
  }
  const [first] = messages
  const isBatch =
    first !== undefined && typeOf(first) === NFNL_MSG_BATCH_BEGIN && messages.length > 1
  return isBatch ? [messages] : messages.map((message) => [message])
}

function nameOf(unit: readonly Uint8Array[], protocol: number): string {
  const [first, ...others] = unit
  if (first === undefined) return 'nothing'
  if (protocol !== NETLINK_NETFILTER || others.length === 0) return messageName(typeOf(first))
  return [...new Set(others.slice(0, -1).map((message) => messageName(typeOf(message))))].join(
    ' + ',
  )
}

function placeOf({ netns }: SocketOptions): string {
  return netns === undefined ? '' : ` in ${netns}`
}

function typeOf(message: Uint8Array): number {
  return viewOf(message).getUint16(4, true)
}

/** struct nlmsgerr: what the kernel sends back, without the payload of the refused message. */
function refusalOf(message: Uint8Array, errno: number, portId: number): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + 4 + HEADER_BYTES)
  const view = viewOf(bytes)
  view.setUint32(0, bytes.length, true)
  view.setUint16(4, NLMSG_ERROR, true)
  view.setUint16(6, NLM_F_CAPPED, true)
  view.setUint32(8, viewOf(message).getUint32(8, true), true)
  view.setUint32(12, portId, true)
  view.setInt32(HEADER_BYTES, -errno, true)
  bytes.set(message.subarray(0, HEADER_BYTES), HEADER_BYTES + 4)
  return bytes
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** @throws what the plan wants the call to fail with */
function faulty(name: string, call: unknown): unknown {
  if (typeof call !== 'function') return call
  return (...args: readonly unknown[]) => {
    const fault = step(`${name} ${args.slice(0, 2).join(' ')}`)
    if (fault?.kind === 'refuse') throw systemError(fault.code, name)
    return Reflect.apply(call, real, args)
  }
}

/** The addon as the agent of a test loads it: each netlink message becomes a step, and each other call. */
const addon = {
  ...Object.fromEntries(Object.entries(real).map(([name, call]) => [name, faulty(name, call)])),
  NativeSocket: FaultySocket,
}
// What `require` returns.
export { addon as 'module.exports' }
