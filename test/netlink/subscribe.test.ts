import { describe, expect, test } from 'vitest'
import type { Reply } from '../../src/netlink/message.ts'
import { subscribeOn } from '../../src/netlink/subscribe.ts'
import { bytes } from './bytes.ts'
import { answer, FakeNative, nativeError } from './fake-native.ts'

const event: Reply = { type: 0, flags: 0, sequence: 0, portId: 0, payload: bytes('') }

function listen(onMessage: (message: Reply) => void = () => {}) {
  const native = new FakeNative(() => [])
  const types: number[] = []
  const losses: string[] = []
  const subscription = subscribeOn(native, {
    onMessage: (message) => {
      types.push(message.type)
      onMessage(message)
    },
    onLost: (error) => losses.push(error.code),
  })
  return { native, types, losses, subscription }
}

describe('a subscriber', () => {
  test('gets every message in order, also several of one datagram', () => {
    const { native, types, losses } = listen()
    native.arrive(
      Buffer.concat([answer(event, 20, bytes('')), answer(event, 21, bytes(''))]),
      answer(event, 22, bytes('')),
    )
    expect(types).toEqual([20, 21, 22])
    expect(losses).toEqual([])
  })

  test('keeps a message although the next has come', () => {
    const kept: Reply[] = []
    const { native } = listen((message) => kept.push(message))
    native.arrive(answer(event, 20, bytes('01')), answer(event, 20, bytes('02')))
    expect(kept.map(({ payload }) => [...payload])).toEqual([[1], [2]])
  })

  test('learns of what was dropped or damaged, and gets what follows', () => {
    const { native, types, losses, subscription } = listen()
    native.arrive(
      nativeError('ENOBUFS'),
      answer(event, 20, bytes('')),
      bytes('01 02'),
      answer(event, 21, bytes('')),
    )
    expect(losses).toEqual(['NETLINK_LOST', 'NETLINK_DECODE'])
    expect(subscription.losses).toBe(2)
    expect(types).toEqual([20, 21])
  })

  test('whose own mistake is not taken for a loss', () => {
    const { native, losses } = listen(() => {
      throw new TypeError('mistake')
    })
    expect(() => native.arrive(answer(event, 20, bytes('')))).toThrow('mistake')
    expect(losses).toEqual([])
  })

  test('closes its socket', () => {
    const { native, subscription } = listen()
    subscription.close()
    expect(native.closed).toBe(true)
  })
})
