import { encodeStruct, struct } from '../../src/netlink/struct.ts'
import { nlmsghdr } from '../../src/netlink/headers.ts'
import { messagesIn } from '../../src/netlink/message.ts'
import type { Reply } from '../../src/netlink/message.ts'
import type { NativeSocket } from '../../src/netlink/native.ts'

export const PORT_ID = 4711

/** What the kernel makes of one datagram: datagrams, or errors of receiving. */
export type Kernel = (requests: readonly Reply[]) => readonly (Uint8Array | Error)[]

/** A socket to a kernel that a test invents. It greets by itself. */
export class FakeNative implements NativeSocket {
  readonly sent: Reply[][] = []
  readonly #kernel: Kernel
  #waiting: (Uint8Array | Error)[] = []
  #readable: (() => void) | undefined
  closed = false

  constructor(kernel: Kernel) {
    this.#kernel = kernel
  }

  send(data: Uint8Array): void {
    const requests = [...messagesIn(data.slice())]
    const [first] = requests
    if (first?.type === 1) {
      this.#waiting.push(acknowledgement(first, 0))
      return
    }
    this.sent.push(requests)
    this.#waiting.push(...this.#kernel(requests))
  }

  sendMany(): number {
    throw new Error('not used')
  }

  receive(buffer: Uint8Array): number {
    const next = this.#waiting.shift()
    if (next === undefined) return -1
    if (next instanceof Error) throw next
    buffer.set(next)
    return next.length
  }

  async exchange(data: Uint8Array, atMost?: number): Promise<Uint8Array[]> {
    if (data.length > 0) this.send(data)
    const answers = this.#waiting.splice(0, atMost ?? this.#waiting.length)
    const failure = answers.find((one) => one instanceof Error)
    if (failure !== undefined) throw failure
    return answers.filter((one) => one instanceof Uint8Array)
  }

  onReadable(callback: () => void): void {
    this.#readable = callback
  }

  /** Lets datagrams arrive, as on the event loop. */
  arrive(...datagrams: readonly (Uint8Array | Error)[]): void {
    this.#waiting.push(...datagrams)
    while (this.#waiting.length > 0) this.#readable?.()
  }

  ref(): void {}
  unref(): void {}

  close(): void {
    this.closed = true
  }
}

export interface ReplyOptions {
  readonly flags?: number
  readonly portId?: number
  readonly sequence?: number
}

/** A message that answers `request`. */
export function answer(
  request: Reply,
  type: number,
  payload: Uint8Array,
  { flags = 0, portId = PORT_ID, sequence = request.sequence }: ReplyOptions = {},
): Uint8Array {
  const header = encodeStruct(nlmsghdr, {
    nlmsg_len: nlmsghdr.bytes + payload.length,
    nlmsg_type: type,
    nlmsg_flags: flags,
    nlmsg_seq: sequence,
    nlmsg_pid: portId,
  })
  return Buffer.concat([header, payload])
}

/** NLMSG_ERROR with a positive errno, 0 for success, as with NETLINK_CAP_ACK. */
export function acknowledgement(
  request: Reply,
  errno: number,
  options: ReplyOptions & { readonly details?: Uint8Array } = {},
): Uint8Array {
  const { details = new Uint8Array() } = options
  const refused = encodeStruct(nlmsghdr, {
    nlmsg_len: nlmsghdr.bytes + request.payload.length,
    nlmsg_type: request.type,
    nlmsg_seq: request.sequence,
  })
  const payload = Buffer.concat([encodeStruct(error, { error: -errno }), refused, details])
  const flags = 0x100 | (details.length > 0 ? 0x200 : 0)
  return answer(request, 2, payload, { flags, ...options })
}

/** NLMSG_DONE. */
export function done(request: Reply, errno = 0, options: ReplyOptions = {}): Uint8Array {
  return answer(request, 3, encodeStruct(error, { error: -errno }), options)
}

/** As the addon throws it. */
export function nativeError(code: string): Error {
  return Object.assign(new Error(code), { code, errno: -1, syscall: 'test' })
}

const error = struct('nlmsgerr', { error: 's32' })
