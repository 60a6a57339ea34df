import fc from 'fast-check'
import { expect, test } from 'vitest'
import { NetlinkDecodeError, NetlinkEncodeError } from '../../src/netlink/errors.ts'
import {
  ifaddrmsg,
  ifinfomsg,
  ndmsg,
  nfgenmsg,
  nlmsghdr,
  rtmsg,
  sockaddr_nl,
} from '../../src/netlink/headers.ts'
import { decodeStruct, encodeStruct } from '../../src/netlink/struct.ts'
import { bytes, hex } from './bytes.ts'

test('the size of each struct is that of its C type', () => {
  const structs = [nlmsghdr, sockaddr_nl, nfgenmsg, ifinfomsg, ifaddrmsg, rtmsg, ndmsg]
  expect(structs.map((struct) => [struct.name, struct.bytes])).toEqual([
    ['nlmsghdr', 16],
    ['sockaddr_nl', 12],
    ['nfgenmsg', 4],
    ['ifinfomsg', 16],
    ['ifaddrmsg', 8],
    ['rtmsg', 12],
    ['ndmsg', 12],
  ])
})

test('fields lie one behind the other, those left out are 0', () => {
  expect(hex(encodeStruct(nfgenmsg, { nfgen_family: 1, res_id: 10 }))).toBe('01 00 00 0a')
  expect(hex(encodeStruct(ifinfomsg, { ifi_index: -1, ifi_change: 0x81 }))).toBe(
    '00 00 00 00 ff ff ff ff 00 00 00 00 81 00 00 00',
  )
})

test('what was encoded is decoded again, and what follows is left alone', () => {
  const byte = fc.integer({ min: 0, max: 255 })
  const values = fc.record({
    nfgen_family: byte,
    version: byte,
    res_id: fc.integer({ min: 0, max: 65535 }),
  })
  fc.assert(
    fc.property(values, fc.uint8Array(), (value, rest) => {
      const encoded = Buffer.concat([encodeStruct(nfgenmsg, value), rest])
      expect(decodeStruct(nfgenmsg, encoded)).toEqual(value)
    }),
  )
})

test('errors name the struct and the field', () => {
  expect(() => encodeStruct(rtmsg, { rtm_dst_len: 256 })).toThrow(NetlinkEncodeError)
  expect(() => encodeStruct(rtmsg, { rtm_dst_len: 256 })).toThrow('rtmsg.rtm_dst_len')
  expect(() => decodeStruct(nfgenmsg, bytes('01 02 03'))).toThrow(NetlinkDecodeError)
  expect(() => decodeStruct(nfgenmsg, bytes('01 02 03'))).toThrow('3 bytes instead of 4')
})
