import { setImmediate } from 'node:timers/promises'
import { attributes } from './attributes.ts'
import { batchMarks } from './batch.ts'
import { NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST, NLMSG_ERROR, NLMSG_NOOP } from './constants.ts'
import { type Dump, readDump } from './dump.ts'
import { NetlinkError } from './errors.ts'
import type { Refusal } from './errors.ts'
import {
  busy,
  failedApart,
  interrupted,
  lostDatagrams,
  noAnswer,
  tooLarge,
} from './exchange-errors.ts'
import { datagramOf, messagesIn } from './message.ts'
import type { Reply, Request } from './message.ts'
import type { NativeSocket } from './native.ts'
import { DATAGRAM_BYTES, openNative } from './open.ts'
import type { NetlinkOptions } from './open.ts'
import { readRefusal } from './refusal.ts'

/**
 * Opens a socket for requests; for notifications there is `subscribe`.
 *
 * @param protocol NETLINK_*
 * @throws {NativeError} when the namespace or the socket cannot be opened.
 * @throws {NetlinkError} `EPERM` without CAP_NET_ADMIN (nfnetlink).
 */
export function openNetlink(protocol: number, options: NetlinkOptions = {}): NetlinkSocket {
  const native = openNative(protocol, options, [])
  try {
    return new NetlinkSocket(native)
  } catch (error) {
    native.close()
    throw error
  }
}

/**
 * Requests to the kernel and their answers. Synchronous: rtnetlink and nfnetlink work inside sendmsg(2), so
 * that all answers wait when it returns, and an exchange takes microseconds.
 *
 * Every method throws NetlinkError when the kernel refuses a request, NetlinkSocketError when the exchange
 * fails, and NetlinkDecodeError when an answer is damaged. The socket stays usable after each of them.
 */
export class NetlinkSocket {
  readonly #native: NativeSocket
  readonly #portId: number
  #sequence = 0
  /** Answers may be waiting that nobody wants any more. */
  #unread = false
  /** Another thread sends and receives. */
  #isApart = false

  constructor(native: NativeSocket) {
    this.#native = native
    this.#portId = ownPortId(native)
  }

  /** By which the kernel tells this socket from others, such as in notifications of what it has changed. */
  get portId(): number {
    return this.#portId
  }

  /** Returns the messages that answer the request, without its acknowledgement. */
  request(request: Request): Reply[] {
    return this.requests([request])
  }

  /**
   * Sends requests as one datagram. Each stands for itself: those behind a refused one are carried out too.
   * Returns what answers them besides acknowledgements.
   */
  requests(requests: readonly Request[]): Reply[] {
    return requests.length === 0 ? [] : this.#exchange(requests, 0, requests.length - 1)
  }

  /**
   * Sends nf_tables requests as one transaction: all or none. Returns their echoes (NLM_F_ECHO).
   *
   * @param generation that the ruleset must still have, else NetlinkError `ERESTART`.
   */
  batch(requests: readonly Request[], generation?: number): Reply[] {
    if (requests.length === 0) return []
    const { begin, end } = batchMarks(generation)
    return this.#exchange([begin, ...requests, end], 1, requests.length)
  }

  /** Like `requests`, while the kernel works on another thread. Meanwhile the socket does nothing else. */
  async requestsApart(requests: readonly Request[]): Promise<Reply[]> {
    if (requests.length === 0) return []
    const last = requests.length - 1
    const { base, datagram } = this.#compose(requests, acknowledged(last))
    const datagrams = await this.#exchangeApart(datagram)
    return this.#collect({ messages: requests, base, first: 0, last }, datagrams)
  }

  /**
   * What `read` makes of each message of a dump, all of one state: if that changes meanwhile, the dump begins
   * anew. `read` is called for those of given up dumps too.
   */
  dump<T>(request: Request, read: (reply: Reply) => T): T[] {
    for (let attempt = 0; attempt < DUMP_ATTEMPTS; attempt++) {
      const dump = readDump(
        request,
        this.#send([request], () => NLM_F_DUMP),
        read,
      )
      if (this.#readToEnd(dump, request)) return [...dump.found]
    }
    throw interrupted(request, DUMP_ATTEMPTS)
  }

  /**
   * Like `dump`, while the kernel works on another thread, and the event loop turns after each datagram that is
   * read. Meanwhile the socket does nothing else.
   */
  async dumpApart<T>(request: Request, read: (reply: Reply) => T): Promise<T[]> {
    for (let attempt = 0; attempt < DUMP_ATTEMPTS; attempt++) {
      const { base, datagram } = this.#compose([request], () => NLM_F_DUMP)
      const dump = readDump(request, base, read)
      if (await readInSteps(dump, request, await this.#exchangeApart(datagram))) {
        return [...dump.found]
      }
    }
    throw interrupted(request, DUMP_ATTEMPTS)
  }

  /**
   * The messages of a dump as they come, a few datagrams at a time: the kernel goes on with it on another thread
   * while they are read. Whether they show one state is not asked. Until its end, or until it is given up and the
   * kernel has stopped, the socket does nothing else.
   */
  async *dumpInPieces(request: Request): AsyncGenerator<readonly Reply[], void, undefined> {
    const { base, datagram } = this.#compose([request], () => NLM_F_DUMP)
    let piece: Reply[] = []
    const dump = readDump(request, base, (reply) => void piece.push(reply))
    this.#isApart = true
    this.#unread = true
    let coming = this.#readPiece(datagram)
    try {
      for (;;) {
        const datagrams = await coming
        const isWhole = datagrams.some((one) => dump.take(this.#repliesIn(one)) !== undefined)
        this.#unread = !isWhole
        if (!isWhole && datagrams.length < PIECE_DATAGRAMS) throw noAnswer(request)
        if (!isWhole) coming = this.#readPiece(NOTHING)
        yield piece
        if (isWhole) return
        piece = []
      }
    } catch (error) {
      throw failedApart(error, datagram.length) ?? error
    } finally {
      await coming.catch(() => undefined)
      this.#isApart = false
    }
  }

  close(): void {
    this.#native.close()
  }

  /** A few datagrams, received on another thread. */
  #readPiece(datagram: Uint8Array): Promise<Uint8Array[]> {
    const piece = this.#native.exchange(datagram, PIECE_DATAGRAMS)
    // Who waits for it may be about to give up; it is no rejection that nobody handles.
    piece.catch(() => undefined)
    return piece
  }

  /**
   * Sends messages, of which those from `first` to `last` are requests, and collects the answers. The kernel carries
   * them out in their order and always answers a refused one, so that the last acknowledgement speaks for all.
   */
  #exchange(messages: readonly Request[], first: number, last: number): Reply[] {
    const base = this.#send(messages, acknowledged(last))
    return this.#collect({ messages, base, first, last }, this.#receiveAll())
  }

  #collect(
    { messages, base, first, last }: Exchange,
    datagrams: Iterable<readonly Reply[]>,
  ): Reply[] {
    const answers: Reply[] = []
    const refusals: Refusal[] = []
    let isComplete = false
    for (const reply of inOrder(datagrams)) {
      const position = (reply.sequence - base) >>> 0
      const message = messages[position]
      if (message === undefined) continue
      if (reply.type !== NLMSG_ERROR) {
        answers.push(reply)
        continue
      }
      const refusal = readRefusal(reply, message, position - first)
      if (refusal) refusals.push(refusal)
      isComplete = position === last
      if (isComplete) break
    }
    // Nothing comes after it.
    if (isComplete) this.#unread = false
    throwIfRefused(refusals)
    if (!isComplete) throw noAnswer(messages[last])
    return answers
  }

  /** Returns whether the dump shows one state. */
  #readToEnd(dump: Dump<unknown>, request: Request): boolean {
    for (const replies of this.#receiveAll()) {
      const consistent = dump.take(replies)
      if (consistent === undefined) continue
      this.#unread = false
      return consistent
    }
    throw noAnswer(request)
  }

  /** Numbers the messages and sends them as one datagram; returns the number of the first. */
  #send(messages: readonly Request[], flagsOf: (index: number) => number): number {
    const { base, datagram } = this.#compose(messages, flagsOf)
    try {
      this.#native.send(datagram)
    } catch (error) {
      throw tooLarge(error, datagram.length) ?? error
    }
    this.#unread = true
    return base
  }

  /** Sends a datagram and reads its answers on another thread. They are decoded one datagram at a time. */
  async #exchangeApart(datagram: Uint8Array): Promise<Iterable<readonly Reply[]>> {
    this.#isApart = true
    try {
      const answers = await this.#native.exchange(datagram)
      return answers.values().map((answer) => this.#repliesIn(answer))
    } catch (error) {
      this.#unread = true
      throw failedApart(error, datagram.length) ?? error
    } finally {
      this.#isApart = false
    }
  }

  /** Numbers the messages; returns the number of the first, and the bytes of all. */
  #compose(
    messages: readonly Request[],
    flagsOf: (index: number) => number,
  ): { base: number; datagram: Uint8Array } {
    if (this.#isApart) throw busy()
    if (this.#unread) this.#discard()
    const base = (this.#sequence + 1) >>> 0
    this.#sequence = (this.#sequence + messages.length) >>> 0
    const datagram = datagramOf(messages, base, (place) => NLM_F_REQUEST | flagsOf(place))
    return { base, datagram }
  }

  /** The messages for this socket, datagram by datagram, until nothing waits. */
  *#receiveAll(): Generator<Reply[], void, undefined> {
    for (;;) {
      const length = this.#receiveBytes()
      if (length < 0) break
      // Values decoded from it are views, so each datagram gets memory of its own.
      yield this.#repliesIn(received.slice(0, length))
    }
    this.#unread = false
  }

  #repliesIn(datagram: Uint8Array): Reply[] {
    const replies: Reply[] = []
    for (const reply of messagesIn(datagram)) if (reply.portId === this.#portId) replies.push(reply)
    return replies
  }

  #receiveBytes(): number {
    try {
      return this.#native.receive(received)
    } catch (error) {
      throw lostDatagrams(error) ?? error
    }
  }

  /** Reads what is left of an exchange that ended in an error, and so lets a dump come to its end. */
  #discard(): void {
    for (;;) {
      try {
        if (this.#native.receive(received) < 0) break
      } catch (error) {
        if (!lostDatagrams(error)) throw error
      }
    }
    this.#unread = false
  }
}

/** Messages that were sent as one datagram. */
interface Exchange {
  readonly messages: readonly Request[]
  /** The number of the first message. */
  readonly base: number
  /** The places of the first and the last request among the messages. */
  readonly first: number
  readonly last: number
}

function acknowledged(last: number): (index: number) => number {
  return (index) => (index === last ? NLM_F_ACK : 0)
}

function* inOrder(datagrams: Iterable<readonly Reply[]>): Generator<Reply, void, undefined> {
  for (const replies of datagrams) yield* replies
}

/** Of 32 KiB: some 600 connections, with which the kernel takes a millisecond. */
const PIECE_DATAGRAMS = 4
const NOTHING = new Uint8Array()

/** Of all sockets in turn: what is read is taken out at once, and a socket of a pod lives for one or two exchanges. */
const received = new Uint8Array(DATAGRAM_BYTES)

/** How often a dump is begun before giving up. */
const DUMP_ATTEMPTS = 16

/** The kernel acknowledges even this, and so tells the port id that it gave to the socket. */
const HELLO: Request = {
  type: NLMSG_NOOP,
  flags: 0,
  header: new Uint8Array(),
  attributes: new Uint8Array(),
  table: attributes({}),
}

function ownPortId(native: NativeSocket): number {
  native.send(datagramOf([HELLO], 0, () => NLM_F_REQUEST | NLM_F_ACK))
  const [reply] = messagesIn(received.slice(0, Math.max(0, native.receive(received))))
  if (reply?.type !== NLMSG_ERROR) throw noAnswer(HELLO)
  const refusal = readRefusal(reply, HELLO, 0)
  throwIfRefused(refusal ? [refusal] : [])
  return reply.portId
}

/** Returns whether the dump shows one state. */
async function readInSteps(
  dump: Dump<unknown>,
  request: Request,
  datagrams: Iterable<readonly Reply[]>,
): Promise<boolean> {
  for (const replies of datagrams) {
    const consistent = dump.take(replies)
    if (consistent !== undefined) return consistent
    await setImmediate()
  }
  throw noAnswer(request)
}

function throwIfRefused([first, ...others]: readonly Refusal[]): void {
  if (first) throw new NetlinkError([first, ...others])
}
