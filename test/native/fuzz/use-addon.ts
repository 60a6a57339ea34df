import assert from 'node:assert/strict'
import {
  createNamespace,
  deleteNamespace,
  enterNamespace,
  isNativeError,
  type NativeSocket,
  openSocket,
  writeFilesInNamespace,
} from '../../../src/netlink/native.ts'
import { InputBytes } from './input-bytes.ts'
import { ODD_VALUES } from './odd-values.ts'

/**
 * Uses the addon as these bytes say, with sound arguments and with odd ones. Throws where a call breaks its promise:
 * to return, or to throw an error that says something; and to receive what was sent, whole and in its order. What it
 * began on other threads ends later.
 */
export function useAddon(bytes: Uint8Array): void {
  const input = new InputBytes(bytes)
  const held: Held[] = []
  try {
    while (!input.isEmpty) input.one(STEPS)?.(input, held)
  } finally {
    for (const { socket } of held) socket.close()
  }
}

/** An open socket, and what waits in it. */
interface Held {
  readonly socket: NativeSocket
  readonly address: Uint8Array
  readonly waiting: Uint8Array[]
}

type Step = (input: InputBytes, held: Held[]) => void

const STEPS: readonly Step[] = [
  (_input, held) => held.push(openLocal()),
  send,
  sendMany,
  receive,
  listen,
  close,
  exchangeNothing,
  listLinks,
  openOddly,
  callOddly,
  callOddlyOfNamespaces,
]

const AF_UNIX = 1
const AF_INET = 2
const AF_INET6 = 10
const AF_NETLINK = 16
const SOCK_DGRAM = 2
const SOCK_RAW = 3

let names = 0

/** Datagrams between sockets of this process: nobody else sends there, and nothing gets lost. */
function openLocal(): Held {
  const name = Buffer.from(`sluice-${process.pid}-${names++}`)
  const address = Uint8Array.from([AF_UNIX, 0, 0, ...name])
  const socket = openSocket({ domain: AF_UNIX, type: SOCK_DGRAM, protocol: 0, bind: address })
  return { socket, address, waiting: [] }
}

function send(input: InputBytes, held: Held[]): void {
  const [from, to, data] = [input.one(held), input.one(held), input.bytes()]
  if (from === undefined || to === undefined) return
  if (goesWell(() => from.socket.send(data, to.address))) to.waiting.push(data)
}

function sendMany(input: InputBytes, held: Held[]): void {
  const [from, to, data, count] = [input.one(held), input.one(held), input.bytes(), input.byte()]
  if (from === undefined || to === undefined) return
  goesWell(() => {
    const sent = from.socket.sendMany(data, to.address, count)
    assert.ok(sent <= count)
    for (let i = 0; i < sent; i++) to.waiting.push(data)
  })
}

function receive(input: InputBytes, held: Held[]): void {
  const one = input.one(held)
  const next = one?.waiting.shift()
  const fits = next?.length ?? 0
  const buffer = new Uint8Array(
    input.one([fits, fits + 1, Math.max(fits - 1, 0), input.byte()]) ?? 0,
  )
  try {
    const length = one?.socket.receive(buffer) ?? -1
    assert.equal(length, next?.length ?? -1)
    if (next !== undefined) assert.deepEqual(buffer.subarray(0, length), next)
  } catch (error) {
    if (!isNativeError(error)) throw error
    assert.deepEqual([error.code, error.needed], ['EMSGSIZE', next?.length])
  }
}

function listen(input: InputBytes, held: Held[]): void {
  const one = input.one(held)
  if (one === undefined) return
  goesWell(() => one.socket.onReadable(() => {}))
  if (input.byte() % 2 === 0) one.socket.unref()
  if (input.byte() % 2 === 0) one.socket.ref()
}

function close(input: InputBytes, held: Held[]): void {
  const one = input.one(held)
  if (one === undefined) return
  one.socket.close()
  held.splice(held.indexOf(one), 1)
  assert.equal(
    goesWell(() => one.socket.receive(new Uint8Array(1))),
    false,
  )
}

/** A local socket has no peer to ask: this rejects, and reads nothing. Without a byte nothing would be sent. */
function exchangeNothing(input: InputBytes, held: Held[]): void {
  const one = input.one(held)
  if (one !== undefined) exchange(one.socket, Uint8Array.from([0, ...input.bytes()]))
}

/** Asks the kernel for all links, with odd bytes behind; another thread reads its answers. */
function listLinks(input: InputBytes): void {
  const socket = openSocket({
    domain: AF_NETLINK,
    type: SOCK_RAW,
    protocol: 0,
    netns: NETNS_HERE,
    receiveBufferBytes: input.byte(),
  })
  const payload = input.bytes()
  const request = new Uint8Array(IFINFOMSG_END + payload.length)
  const header = new DataView(request.buffer)
  header.setUint32(0, request.length, true)
  header.setUint16(4, RTM_GETLINK, true)
  header.setUint16(6, NLM_F_REQUEST | NLM_F_DUMP, true)
  request.set(payload, IFINFOMSG_END)
  exchange(socket, request, input.one([undefined, input.byte()]))
  exchange(socket, new Uint8Array(), 1)
  if (input.byte() % 2 === 0) goesWell(() => socket.receive(new Uint8Array(input.byte())))
  socket.close()
}

const NETNS_HERE = '/proc/thread-self/ns/net'
const RTM_GETLINK = 18
const NLM_F_REQUEST = 1
const NLM_F_DUMP = 0x300
/** struct nlmsghdr and struct ifinfomsg. */
const IFINFOMSG_END = 32

function exchange(socket: NativeSocket, data: Uint8Array, atMost?: number): void {
  socket.exchange(data, atMost).then((answers) => {
    assert.ok(answers.length <= (atMost ?? answers.length))
    assert.ok(answers.every((answer) => answer instanceof Uint8Array))
  }, requireWords)
}

function openOddly(input: InputBytes): void {
  const odd = () => input.one(ODD_VALUES)
  const option = [odd(), odd(), oddOrBytes(input)]
  const options = {
    // None of a family that a module would have to be loaded for.
    domain: input.one([AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, -1, undefined, 'unix']),
    type: input.byte() % 8,
    protocol: 0,
    netns: input.one([undefined, odd()]),
    bind: input.one([undefined, withoutFile(oddOrBytes(input))]),
    filter: input.one([undefined, oddOrBytes(input)]),
    sendBufferBytes: input.one([undefined, odd()]),
    receiveBufferBytes: input.one([undefined, odd()]),
    options: input.one([undefined, [option], odd()]),
  }
  const given = input.one([options, options, odd()])
  goesWell(() => callAny(Reflect.apply(openSocket, undefined, [given]), 'close', []))
}

/** An address of AF_UNIX that does not begin with NUL would make a file. */
function withoutFile(value: unknown): unknown {
  if (value instanceof Uint8Array) value[2] = 0
  return value
}

const METHODS = ['send', 'sendMany', 'receive', 'exchange', 'onReadable', 'ref', 'unref', 'close']

function callOddly(input: InputBytes): void {
  const { socket } = openLocal()
  const name = input.one(METHODS) ?? 'ref'
  const given = [oddOrBytes(input), oddOrBytes(input), input.one(ODD_VALUES)]
  const method = Reflect.get(socket, name)
  const self = input.one([socket, socket, input.one(ODD_VALUES)])
  goesWell(() => {
    const result: unknown = Reflect.apply(method, self, given)
    if (result instanceof Promise) result.catch(requireWords)
  })
  socket.close()
}

const NAMESPACE_CALLS = [createNamespace, deleteNamespace, enterNamespace, writeFilesInNamespace]

/** None of the odd strings is a file that can be made, written or removed. */
function callOddlyOfNamespaces(input: InputBytes): void {
  const call = input.one(NAMESPACE_CALLS) ?? enterNamespace
  const given = [0, 1, 2].map(() => input.one(ODD_VALUES))
  goesWell(() => callAny({ call }, 'call', given))
}

function oddOrBytes(input: InputBytes): unknown {
  return input.byte() % 2 === 0 ? input.bytes() : input.one(ODD_VALUES)
}

function callAny(object: unknown, name: string, given: readonly unknown[]): unknown {
  return Reflect.apply(Reflect.get(Object(object), name), object, given)
}

/** Whether it returned; what it throws otherwise must say something. */
function goesWell(call: () => unknown): boolean {
  try {
    call()
    return true
  } catch (error) {
    requireWords(error)
    return false
  }
}

function requireWords(error: unknown): void {
  if (error instanceof assert.AssertionError) throw error
  assert.ok(error instanceof Error && error.message !== '', 'an error that says something')
}
