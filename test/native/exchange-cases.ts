import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { isNativeError, type NativeError, openSocket } from '../../src/netlink/native.ts'
import { caught } from './caught.ts'
import type { Case } from './in-namespace.ts'
import {
  changeLoopback,
  getLink,
  LOOPBACK,
  messagesIn,
  NLMSG_DONE,
  openRoute,
  receiveMessages,
  RTM_NEWLINK,
} from './raw-netlink.ts'
import type { Task } from './worker.ts'

/** Sending and receiving on another thread. */
export const exchangeCases: readonly Case[] = [
  {
    name: 'a request is sent and all its answers are read on another thread',
    run: async () => {
      const socket = openRoute()
      const datagrams = await socket.exchange(getLink(0, 7))
      const messages = datagrams.flatMap(messagesIn)
      assert.deepEqual([messages[0]?.type, messages[0]?.sequence], [RTM_NEWLINK, 7])
      assert.equal(messages.at(-1)?.type, NLMSG_DONE)
      assert.deepEqual(receiveMessages(socket), [])
      socket.close()
    },
  },
  {
    name: 'answers can be read some at a time, without sending again',
    run: async () => {
      const socket = openRoute()
      const answered = [await socket.exchange(getLink(0, 7), 1)]
      while (answered.at(-1)?.length === 1) {
        answered.push(await socket.exchange(new Uint8Array(), 1))
      }
      assert.ok(answered.length > 2, 'Links and the end of the dump come in several datagrams.')
      const messages = answered.flat().flatMap(messagesIn)
      assert.equal(messages.at(-1)?.type, NLMSG_DONE)
      const atOnce = (await socket.exchange(getLink(0, 7))).flatMap(messagesIn)
      // Without their content: links count packets, which others send meanwhile.
      const shapeOf = ({ type, payload }: (typeof messages)[number]) => [type, payload.byteLength]
      assert.deepEqual(messages.map(shapeOf), atOnce.map(shapeOf))
      assert.deepEqual(await socket.exchange(new Uint8Array(), 0), [])
      socket.close()
    },
  },
  {
    name: 'sockets do so side by side, each again and again',
    run: async () => {
      const work = Array.from({ length: 8 }, async (_, number) => {
        const socket = openRoute()
        for (let round = 0; round < 20; round++) {
          const [first] = (await socket.exchange(getLink(LOOPBACK, number))).flatMap(messagesIn)
          assert.equal(first?.sequence, number)
        }
        socket.close()
      })
      await Promise.all(work)
    },
  },
  {
    name: 'a socket may be closed meanwhile, and its number taken by another',
    run: async () => {
      for (let round = 0; round < 50; round++) {
        const socket = openRoute()
        const answers = socket.exchange(getLink(0, round))
        socket.close()
        const other = openRoute()
        assert.equal((await answers).flatMap(messagesIn).at(-1)?.type, NLMSG_DONE)
        assert.deepEqual(receiveMessages(other), [])
        other.close()
      }
    },
  },
  {
    name: 'an exchange that fails rejects with what it failed at',
    run: async (netns) => {
      const unconnected = openSocket({ domain: 2, type: 2, protocol: 0, netns })
      const refused = await rejection(unconnected.exchange(new Uint8Array(1)))
      assert.deepEqual([refused.code, refused.syscall], ['EDESTADDRREQ', 'sendto'])
      assert.match(refused.message, /^Cannot send to the socket and read its answers: .+\.$/)
      unconnected.close()

      const deaf = openRoute({ netns, receiveBufferBytes: 1024, listen: true })
      changeLoopback(netns, 50)
      const lost = await rejection(deaf.exchange(getLink(LOOPBACK, 1)))
      assert.deepEqual([lost.code, lost.syscall], ['ENOBUFS', 'recv'])
      deaf.close()
    },
  },
  {
    name: 'what cannot begin throws at once',
    run: () => {
      const socket = openRoute()
      assert.throws(() => Reflect.apply(Reflect.get(socket, 'exchange'), socket, ['text']), {
        message: 'data must be a Uint8Array.',
      })
      const some = [new Uint8Array(16), 'some']
      assert.throws(() => Reflect.apply(Reflect.get(socket, 'exchange'), socket, some), {
        message: 'A number was expected',
      })
      socket.close()
      assert.equal(caught(() => socket.exchange(new Uint8Array(16))).code, 'EBADF')
    },
  },
  {
    name: 'a worker may end while another thread works for it',
    run: async (netns) => {
      for (let round = 0; round < 10; round++) {
        const workerData: Task = { netns, ending: 'exchange' }
        const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData })
        await once(worker, 'message')
        await worker.terminate()
      }
    },
  },
]

async function rejection(promise: Promise<unknown>): Promise<NativeError> {
  const error = await promise.then(
    () => assert.fail('Nothing was refused.'),
    (reason: unknown) => reason,
  )
  assert.ok(isNativeError(error), 'What is rejected with is a NativeError.')
  return error
}
