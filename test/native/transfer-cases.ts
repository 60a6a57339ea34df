import assert from 'node:assert/strict'
import { openSocket } from '../../src/netlink/native.ts'
import type { NativeSocket } from '../../src/netlink/native.ts'
import { caught } from './caught.ts'
import type { Case } from './in-namespace.ts'
import {
  LOOPBACK,
  NLMSG_DONE,
  RTM_NEWLINK,
  changeLoopback,
  getLink,
  messagesIn,
  openRoute,
  receiveMessages,
} from './raw-netlink.ts'

const AF_INET = 2
const SOCK_DGRAM = 2

/** Opening a socket, sending and receiving, and what is refused. */
export const transferCases: readonly Case[] = [
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
    name: 'datagrams of another family go to an address, one or many',
    run: (netns) => {
      changeLoopback(netns, 1)
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
      const filter = caught(() =>
        openSocket({ domain: 16, type: 3, protocol: 0, filter: new Uint8Array(7) }),
      )
      assert.match(filter.message, /^Cannot attach a filter to the socket: .+ \(EINVAL\)\.$/)
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
      changeLoopback(netns, 50)
      let messages = 0
      while (receiveMessages(listener).length > 0) messages++
      assert.ok(messages >= 50, `${messages} messages fit into a receive buffer of 1 MiB`)
      listener.close()
    },
  },
  {
    name: 'a filter keeps away what it does not let through',
    run: () => {
      const RETURN = 0x06
      const open = (returned: number): NativeSocket => {
        const filter = new Uint8Array(Uint32Array.of(RETURN, returned).buffer)
        return openSocket({ domain: 16, type: 3, protocol: 0, filter })
      }
      for (const [returned, answers] of [
        [0xffff_ffff, 1],
        [0, 0],
      ] as const) {
        const socket = open(returned)
        socket.send(getLink(LOOPBACK, 1))
        assert.equal(receiveMessages(socket).length, answers)
        socket.close()
      }
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
        [/^filter must be a Uint8Array/, () => open({ filter: [] })],
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
