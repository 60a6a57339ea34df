import { expect, test } from 'vitest'
import { LogReader } from '../../src/flows/log-reader.ts'
import { NLMSG_DONE } from '../../src/netlink/constants.ts'
import { bytes } from '../netlink/bytes.ts'
import { address } from '../policy/literals.ts'
import { loggedMessage, PACKET } from './logged-message.ts'

test.each([
  ['sluice:ingress', { verdict: 'deny', direction: 'ingress' }],
  ['sluice:egress', { verdict: 'deny', direction: 'egress' }],
  ['sluice:allow', { verdict: 'allow', direction: undefined }],
])('a packet of %s', (prefix, expected) => {
  const reader = new LogReader()
  expect(reader.read(loggedMessage({ prefix }))).toEqual({
    ...expected,
    sequence: 0,
    packet: {
      source: address('10.0.0.2'),
      destination: address('192.0.2.1'),
      protocol: 6,
      sourcePort: 8080,
      destinationPort: 80,
    },
  })
  expect(reader).toMatchObject({ lost: 0, unreadable: 0 })
})

test('numbers that are missing are lost packets, also across 2^32 and before the first', () => {
  const reader = new LogReader()
  const lost = [2, 3, 3 + 5, 0xffff_ffff, 1].map((sequence) => {
    reader.read(loggedMessage({ sequence }))
    return reader.lost
  })
  const beforeTheWrap = 6 + 0xffff_ffff - 9
  expect(lost).toEqual([2, 2, 6, beforeTheWrap, beforeTheWrap + 1])
})

test.each([
  ['a foreign prefix', { prefix: 'DROP' }],
  ['a name that every object has', { prefix: 'constructor' }],
  ['half a header', { payload: PACKET.subarray(0, 10) }],
])('%s is counted, and is not lost as well', (_, wrong) => {
  const reader = new LogReader()
  expect(reader.read(loggedMessage(wrong))).toBeUndefined()
  expect(reader.read(loggedMessage({ sequence: 1 }))).toBeDefined()
  expect(reader).toMatchObject({ lost: 0, unreadable: 1 })
})

test('a damaged message is counted, the end of several is nothing', () => {
  const reader = new LogReader()
  const whole = loggedMessage({})
  reader.read({ ...whole, payload: whole.payload.subarray(0, -1) })
  reader.read({ ...whole, type: NLMSG_DONE, payload: bytes('00000000') })
  expect(reader).toMatchObject({ lost: 0, unreadable: 1 })
})
