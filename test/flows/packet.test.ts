import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodePacket, PacketError } from '../../src/flows/packet.ts'
import { bytes } from '../netlink/bytes.ts'
import { address } from '../policy/literals.ts'
import { check } from '../policy/property.ts'

const TCP = 6
const UDP = 17
const PORTS = '1f90 0050' // 8080 → 80

function ipv4(protocol: string, rest: string, { header = '45', offset = '0000' } = {}): Uint8Array {
  return bytes(`${header}00 0054 0001 ${offset} 40 ${protocol} 0000 0a000002 c0000201 ${rest}`)
}

function ipv6(next: string, rest: string): Uint8Array {
  const [from, to] = ['fd00000000000000 0000000000000002', '20010db800000000 0000000000000001']
  return bytes(`60000000 0020 ${next} 40 ${from} ${to} ${rest}`)
}

const FROM4 = { source: address('10.0.0.2'), destination: address('192.0.2.1') }
const FROM6 = { source: address('fd00::2'), destination: address('2001:db8::1') }
const WITH_PORTS = { sourcePort: 8080, destinationPort: 80 }
const WITHOUT_PORTS = { sourcePort: undefined, destinationPort: undefined }

describe('IPv4', () => {
  test.each<[string, Uint8Array, object]>([
    ['TCP', ipv4('06', PORTS), { protocol: TCP, ...WITH_PORTS }],
    [
      'options',
      ipv4('11', `01010100 ${PORTS}`, { header: '46' }),
      { protocol: UDP, ...WITH_PORTS },
    ],
    ['a first fragment', ipv4('11', PORTS, { offset: '2000' }), { protocol: UDP, ...WITH_PORTS }],
    ['a later one', ipv4('11', PORTS, { offset: '0001' }), { protocol: UDP, ...WITHOUT_PORTS }],
    ['ICMP', ipv4('01', '0800 0000'), { protocol: 1, ...WITHOUT_PORTS }],
    ['cut before its ports', ipv4('06', '1f90'), { protocol: TCP, ...WITHOUT_PORTS }],
  ])('%s', (_, packet, expected) => {
    expect(decodePacket(packet)).toEqual({ ...FROM4, ...expected })
  })
})

describe('IPv6', () => {
  test.each<[string, Uint8Array, object]>([
    ['TCP', ipv6('06', PORTS), { protocol: TCP, ...WITH_PORTS }],
    [
      'hop-by-hop options',
      ipv6('00', `0600 0000 0000 0000 ${PORTS}`),
      { protocol: TCP, ...WITH_PORTS },
    ],
    [
      'two headers, one of 16 bytes',
      ipv6('3c', `2b01 ${'00'.repeat(14)} 1100 0000 0000 0000 ${PORTS}`),
      { protocol: UDP, ...WITH_PORTS },
    ],
    [
      'a first fragment',
      ipv6('2c', `1100 0001 00000007 ${PORTS}`),
      { protocol: UDP, ...WITH_PORTS },
    ],
    ['a later one', ipv6('2c', `1100 0008 00000007 ${PORTS}`), { protocol: UDP, ...WITHOUT_PORTS }],
    [
      'authentication',
      ipv6('33', `0601 0000 00000001 00000001 ${PORTS}`),
      { protocol: TCP, ...WITH_PORTS },
    ],
    ['cut within its headers', ipv6('00', '0600'), { protocol: 0, ...WITHOUT_PORTS }],
  ])('%s', (_, packet, expected) => {
    expect(decodePacket(packet)).toEqual({ ...FROM6, ...expected })
  })
})

test.each([
  ['', 'it ends after 0 bytes'],
  ['75', 'IP version 7 is neither 4 nor 6'],
  ['45 00', 'it ends after 2 bytes'],
  [`44${'00'.repeat(19)}`, 'an IPv4 header of 16 bytes'],
  [`60${'00'.repeat(38)}`, 'it ends after 39 bytes'],
])('%s is an error with a reason', (hex, reason) => {
  expect(() => decodePacket(bytes(hex))).toThrow(new PacketError(reason))
})

test('any bytes are a packet or a PacketError', () => {
  check(
    'packets',
    20_000,
    fc.property(fc.uint8Array({ maxLength: 120 }), fc.constantFrom(0x45, 0x60), (some, first) => {
      if (some.length > 0) some[0] = first
      try {
        const { sourcePort = 0, destinationPort = 0 } = decodePacket(some)
        expect(Math.max(sourcePort, destinationPort)).toBeLessThanOrEqual(65_535)
      } catch (error) {
        expect(error).toBeInstanceOf(PacketError)
      }
    }),
  )
})
