import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { isNativeError, openSocket } from '../../src/netlink/native.ts'
import type { NativeSocket } from '../../src/netlink/native.ts'
import { until } from './in-namespace.ts'
import type { Case } from './in-namespace.ts'
import {
  NLMSG_DONE,
  NLMSG_ERROR,
  RTM_NEWLINK,
  getLink,
  messagesIn,
  openRoute,
  receiveMessages,
  setLink,
} from './raw-netlink.ts'

const LOOPBACK = 1
const AF_INET = 2
const SOCK_DGRAM = 2

export const socketCases: readonly Case[] = [
  {
    name: 'a request is answered by the time that it is sent',
    run: () => {
      const socket = openRoute()
      socket.send(getLink(LOOPBACK, 7))
      const [reply] = receiveMessages(socket)
      assert.equal(reply?.type, RTM_NEWLINK)
      assert.equal(reply.sequence, 7)
      assert.equal(reply.payload.getInt32(4, true), LOOPBACK)
      assert.deepEqual(receiveMessages(socket), [])
      socket.close()
    },
  },
  {
    name: 'a socket in a new namespace sees its loopback alone',
    run: (netns) => {
      const socket = openRoute({ netns })
      socket.send(getLink(0, 1))
      const links = receiveMessages(socket)
      assert.deepEqual(
        links.map(({ type, payload }) => [type, payload.getInt32(4, true)]),
        [[RTM_NEWLINK, LOOPBACK]],
      )
      assert.deepEqual(
        receiveMessages(socket).map(({ type }) => type),
        [NLMSG_DONE],
      )
      socket.close()
    },
  },
  {
    name: 'a multicast message is delivered to the event loop',
    run: async (netns) => {
      const listener = openRoute({ netns, listen: true })
      const heard: number[] = []
      listener.onReadable(() => heard.push(...receiveMessages(listener).map(({ type }) => type)))
      change(netns, 1)
      await until('a link message', () => heard.includes(RTM_NEWLINK))
      listener.close()
    },
  },
  {
    name: 'a callback that reads one datagram is called for each of them',
    run: async () => {
      const socket = openRoute()
      const sequences: (number | undefined)[] = []
      for (let sequence = 1; sequence <= 5; sequence++) socket.send(getLink(LOOPBACK, sequence))
      socket.onReadable(() => sequences.push(receiveMessages(socket)[0]?.sequence))
      await until('five replies', () => sequences.length >= 5)
      assert.deepEqual(sequences, [1, 2, 3, 4, 5])
      socket.send(getLink(LOOPBACK, 6))
      await until('a sixth', () => sequences.length >= 6)
      assert.equal(sequences[5], 6)
      socket.close()
    },
  },
  {
    name: 'lost datagrams are reported once, and the socket goes on',
    run: async (netns) => {
      const listener = openRoute({ netns, listen: true, receiveBufferBytes: 4096 })
      change(netns, 50)
      const outcomes: string[] = []
      listener.onReadable(() => outcomes.push(outcomeOf(() => receiveMessages(listener).length)))
      await until('ENOBUFS', () => outcomes.includes('ENOBUFS'))
      await drained(listener)
      const before = outcomes.length
      change(netns, 1)
      await until('news after the loss', () => outcomes.length > before)
      assert.equal(outcomes.filter((outcome) => outcome === 'ENOBUFS').length, 1)
      listener.close()
    },
  },
  {
    name: 'a datagram too large for the buffer says how large, and the next one is read',
    run: () => {
      const socket = openRoute()
      socket.send(getLink(LOOPBACK, 1))
      socket.send(getLink(LOOPBACK, 2))
      const buffer = new Uint8Array(65536)
      const error = caught(() => socket.receive(buffer.subarray(0, 16)))
      assert.equal(error.code, 'EMSGSIZE')
      const length = socket.receive(buffer)
      assert.equal(error.needed, length)
      assert.equal(messagesIn(buffer.subarray(0, length))[0]?.sequence, 2)
      assert.match(error.message, /^A datagram of \d+ bytes was lost in a buffer of 16: .+\.$/)
      socket.close()
    },
  },
  {
    name: 'close() within the callback is the end of it',
    run: async () => {
      const [first, second] = [openRoute(), openRoute()]
      let calls = 0
      const closeBoth = (): void => {
        calls++
        first.close()
        second.close()
      }
      // Both have something to tell; whichever comes first silences the other.
      for (const socket of [first, second]) {
        socket.send(getLink(LOOPBACK, 1))
        socket.send(getLink(LOOPBACK, 2))
        socket.onReadable(closeBoth)
      }
      await until('a callback', () => calls > 0)
      await settled()
      assert.equal(calls, 1)
    },
  },
  {
    name: 'a closed socket refuses everything but to be closed',
    run: () => {
      const socket = openRoute()
      socket.onReadable(() => {})
      socket.close()
      socket.close()
      socket.ref()
      socket.unref()
      for (const use of [
        () => socket.send(new Uint8Array(16)),
        () => socket.sendMany(new Uint8Array(16), undefined, 1),
        () => socket.receive(new Uint8Array(16)),
        () => socket.onReadable(() => {}),
      ])
        assert.equal(caught(use).code, 'EBADF')
    },
  },
  {
    name: 'a second callback is refused',
    run: () => {
      const socket = openRoute()
      socket.onReadable(() => {})
      assert.equal(caught(() => socket.onReadable(() => {})).code, 'EALREADY')
      socket.close()
    },
  },
  {
    name: 'a socket that is forgotten is closed by the garbage collector',
    run: async () => {
      setFlagsFromString('--expose-gc')
      const collect: unknown = runInNewContext('gc')
      assert.ok(typeof collect === 'function')
      const before = openDescriptors()
      for (let i = 0; i < 50; i++) openRoute()
      assert.ok(openDescriptors() >= before + 40)
      await until('the descriptors to be closed', () => {
        collect()
        return openDescriptors() <= before
      })
    },
  },
  {
    name: 'a watched socket is kept from the garbage collector',
    run: async (netns) => {
      let heard = 0
      const sockets = watchWithoutHolding(netns, () => heard++)
      setFlagsFromString('--expose-gc')
      const collect: unknown = runInNewContext('gc')
      assert.ok(typeof collect === 'function')
      for (let i = 0; i < 3; i++) {
        collect()
        await settled()
      }
      change(netns, 1)
      await until('the callback', () => heard > 0)
      sockets.deref()?.close()
    },
  },
  {
    name: 'datagrams of another family go to an address, one or many',
    run: (netns) => {
      change(netns, 1)
      const server = openUdp(netns, udpAddress(5353))
      const client = openUdp(netns, udpAddress(0))
      const buffer = new Uint8Array(64)
      client.send(new Uint8Array([1, 2, 3]), udpAddress(5353))
      assert.equal(server.receive(buffer), 3)
      assert.deepEqual(buffer.subarray(0, 3), new Uint8Array([1, 2, 3]))
      client.send(new Uint8Array(0), udpAddress(5353))
      assert.equal(server.receive(buffer), 0)

      assert.equal(client.sendMany(new Uint8Array([9]), udpAddress(5353), 150), 150)
      let received = 0
      while (server.receive(buffer) === 1) received++
      assert.equal(received, 150)
      assert.equal(client.sendMany(new Uint8Array(1), udpAddress(5353), 0), 0)
      // Port 0 is nobody: nothing went out, so there is something to say.
      const refused = caught(() => client.sendMany(new Uint8Array(1), udpAddress(0), 5))
      assert.equal(refused.code, 'EINVAL')
      server.close()
      client.close()
    },
  },
  {
    name: 'errors are sentences with a code',
    run: () => {
      const inNowhere = caught(() => openRoute({ netns: '/run/sluice-nowhere' }))
      assert.equal(inNowhere.code, 'ENOENT')
      assert.equal(inNowhere.errno, -2)
      assert.equal(inNowhere.syscall, 'open')
      assert.equal(
        inNowhere.message,
        'Cannot open a socket of domain 16, type 3, protocol 0 in the network namespace ' +
          '/run/sluice-nowhere: No such file or directory (ENOENT).',
      )
      const option = caught(() =>
        openSocket({ domain: 16, type: 3, protocol: 0, options: [[270, 9999, 1]] }),
      )
      assert.equal(option.code, 'ENOPROTOOPT')
      assert.match(option.message, /^Cannot set socket option 9999 of level 270: /)
      const address = caught(() =>
        openSocket({ domain: 16, type: 3, protocol: 0, bind: new Uint8Array(3) }),
      )
      assert.equal(address.syscall, 'bind')
      const socket = openRoute()
      const unsendable = caught(() => socket.send(new Uint8Array(16), new Uint8Array(2)))
      assert.match(unsendable.message, /^Cannot send a datagram of 16 bytes: .+ \(EINVAL\)\.$/)
      socket.close()
    },
  },
  {
    name: 'buffers and options are set, as numbers and as bytes',
    run: (netns) => {
      const group = new Uint8Array(new Uint32Array([1]).buffer)
      const listener = openSocket({
        domain: 16,
        type: 3,
        protocol: 0,
        netns,
        sendBufferBytes: 1 << 20,
        receiveBufferBytes: 1 << 20,
        bind: new Uint8Array([16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
        options: [[270, 1, group]],
      })
      change(netns, 50)
      let messages = 0
      while (receiveMessages(listener).length > 0) messages++
      assert.ok(messages >= 50, `${messages} messages fit into a receive buffer of 1 MiB`)
      listener.close()
    },
  },
  {
    name: 'arguments of the wrong type are refused by name',
    run: () => {
      const socket = openRoute()
      const numbers = { domain: 16, type: 3, protocol: 0 }
      const open = (more: object): unknown =>
        Reflect.apply(openSocket, undefined, [{ ...numbers, ...more }])
      const method = (name: keyof NativeSocket): Function => Reflect.get(socket, name)
      const call = (name: keyof NativeSocket, ...rest: unknown[]): unknown =>
        Reflect.apply(method(name), socket, rest)
      const refusals: [RegExp, () => unknown][] = [
        [/^domain must be a number/, () => open({ domain: '16' })],
        [/^netns must be a string/, () => open({ netns: 5 })],
        [/^netns must be free of NUL/, () => open({ netns: '/run\0/x' })],
        [/^netns must be shorter/, () => open({ netns: 'x'.repeat(5000) })],
        [/^bind must be a Uint8Array/, () => open({ bind: 'x' })],
        [/^The value of a socket option must be/, () => open({ options: [[1, 2, 'x']] })],
        [/^The name of a socket option must be/, () => open({ options: [[1]] })],
        [/^data must be a Uint8Array/, () => call('send', 'text')],
        [/^data must be a Uint8Array/, () => call('send', new Uint16Array(8))],
        [/^address must be a Uint8Array/, () => call('send', new Uint8Array(8), 5)],
        [/^buffer must be a Uint8Array/, () => call('receive')],
        [/^callback must be a function/, () => call('onReadable', 5)],
        [/^Illegal invocation/, () => Reflect.apply(method('send'), {}, [])],
      ]
      for (const [message, use] of refusals)
        assert.throws(use, { name: 'TypeError', message }, `nothing said ${message}`)
      assert.equal(socket.receive(new Uint8Array(8)), -1)
      socket.close()
    },
  },
]

function udpAddress(port: number): Uint8Array {
  return new Uint8Array([AF_INET, 0, port >> 8, port & 255, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0])
}

function openUdp(netns: string, bind: Uint8Array): NativeSocket {
  return openSocket({ domain: AF_INET, type: SOCK_DGRAM, protocol: 0, netns, bind })
}

/** Sets the loopback of a namespace up, then down and up by turns: `times` messages to listeners. */
function change(netns: string, times: number): void {
  const socket = openRoute({ netns })
  for (let i = 0; i < times; i++) {
    socket.send(setLink(LOOPBACK, i % 2 === 0, i))
    const [ack] = receiveMessages(socket)
    assert.equal(ack?.type, NLMSG_ERROR)
    assert.equal(ack.payload.getInt32(0, true), 0)
  }
  socket.close()
}

function watchWithoutHolding(netns: string, heard: () => void): WeakRef<NativeSocket> {
  const socket = openRoute({ netns, listen: true })
  const weak = new WeakRef(socket)
  socket.onReadable(() => {
    const still = weak.deref()
    if (still !== undefined) receiveMessages(still)
    heard()
  })
  return weak
}

function caught(use: () => unknown): ReturnType<typeof asNativeError> {
  try {
    use()
  } catch (error) {
    return asNativeError(error)
  }
  return assert.fail('Nothing was thrown.')
}

function asNativeError(error: unknown) {
  assert.ok(isNativeError(error), 'What is thrown is a NativeError.')
  return error
}

function outcomeOf(read: () => number): string {
  try {
    return `${read()}`
  } catch (error) {
    return asNativeError(error).code
  }
}

async function drained(socket: NativeSocket): Promise<void> {
  const buffer = new Uint8Array(65536)
  await until('an empty socket', () => socket.receive(buffer) === -1)
}

/** Long enough for anything that the watching thread has already been told of to be delivered. */
async function settled(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setTimeout(resolve, 2))
}

function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length
}
