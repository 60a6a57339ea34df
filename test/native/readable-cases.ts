import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { NativeSocket } from '../../src/netlink/native.ts'
import { caught } from './caught.ts'
import { until } from './in-namespace.ts'
import type { Case } from './in-namespace.ts'
import {
  LOOPBACK,
  RTM_NEWLINK,
  changeLoopback,
  getLink,
  openRoute,
  receiveMessages,
} from './raw-netlink.ts'

/** How a socket lives on the event loop, and how it goes. */
export const readableCases: readonly Case[] = [
  {
    name: 'a multicast message is delivered to the event loop',
    run: async (netns) => {
      const listener = openRoute({ netns, listen: true })
      const heard: number[] = []
      listener.onReadable(() => heard.push(...receiveMessages(listener).map(({ type }) => type)))
      changeLoopback(netns, 1)
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
      changeLoopback(netns, 50)
      // The loss is told first, then what was kept from before it.
      assert.equal(caught(() => receiveMessages(listener)).code, 'ENOBUFS')
      const kept = receiveAll(listener)
      assert.ok(kept > 0 && kept < 50, `${kept} of 50 were kept`)
      let heard = 0
      listener.onReadable(() => (heard += receiveMessages(listener).length))
      changeLoopback(netns, 1)
      await until('news after the loss', () => heard > 0)
      listener.close()
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
      const collect = garbageCollector()
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
    name: 'a watched socket is kept from the garbage collector until it is closed',
    run: async (netns) => {
      let heardByOlder = 0
      const older = openRoute({ netns, listen: true })
      older.onReadable(() => (heardByOlder += receiveAll(older)))
      let heard = 0
      const socket = watchWithoutHolding(netns, () => heard++)
      const collect = garbageCollector()
      for (let i = 0; i < 3; i++) {
        collect()
        await settled()
      }
      changeLoopback(netns, 1)
      await until('the callback', () => heard > 0)

      socket.deref()?.close()
      await until('the object to be collected', () => {
        collect()
        return socket.deref() === undefined
      })
      await settled()
      // On its way to the older watch the watching thread must not meet the one that is gone.
      const before = heardByOlder
      changeLoopback(netns, 2)
      await until('another callback', () => heardByOlder > before)
      older.close()
    },
  },
]

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

function garbageCollector(): () => void {
  setFlagsFromString('--expose-gc')
  const collect: unknown = runInNewContext('gc')
  assert.ok(typeof collect === 'function')
  return () => collect()
}

function receiveAll(socket: NativeSocket): number {
  let count = 0
  while (receiveMessages(socket).length > 0) count++
  return count
}

/** Long enough for anything that the watching thread has already been told of to be delivered. */
async function settled(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setTimeout(resolve, 2))
}

function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length
}
