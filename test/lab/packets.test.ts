import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { internetChecksum } from '../../src/lab/icmp.ts'
import { addressBytes, sockaddr } from '../../src/lab/raw-socket.ts'
import { crc32c, decodeSctp, encodeSctp } from '../../src/lab/sctp-packet.ts'

describe('SCTP packets', () => {
  test('the checksum is CRC-32C: its check value over the digits one to nine', () => {
    expect(crc32c(Buffer.from('123456789')).toString(16)).toBe('e3069283')
  })

  test('an INIT has the bytes of RFC 9260', () => {
    const packet = encodeSctp({
      sourcePort: 0x1234,
      destinationPort: 80,
      verificationTag: 0,
      chunk: 'INIT',
      initiateTag: 0xaabbccdd,
      note: '::1',
    })
    const bytes = packet.toString('hex')
    expect(bytes.slice(0, 16)).toBe('1234005000000000')
    expect(bytes.slice(24)).toBe(
      ['0100001b', 'aabbccdd', '000005dc', '00010001', 'aabbccdd', '80010007', '3a3a3100'].join(''),
    )
    const zeroed = Buffer.from(packet)
    zeroed.writeUInt32LE(0, 8)
    expect(packet.readUInt32LE(8)).toBe(crc32c(zeroed))
  })

  test('what is encoded is decoded', () => {
    const uint16 = fc.integer({ min: 0, max: 0xffff })
    const uint32 = fc.integer({ min: 0, max: 0xffff_ffff })
    const packet = fc.record({
      sourcePort: uint16,
      destinationPort: uint16,
      verificationTag: uint32,
      chunk: fc.constantFrom('INIT' as const, 'INIT ACK' as const),
      initiateTag: uint32,
      note: fc.string({ unit: 'grapheme', maxLength: 100 }),
    })
    fc.assert(
      fc.property(packet, (one) => {
        expect(decodeSctp(encodeSctp(one))).toEqual(one)
      }),
    )
  })

  test('garbage is no packet, and never throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        const packet = decodeSctp(bytes)
        if (packet !== undefined) expect(bytes.length).toBeGreaterThanOrEqual(36)
      }),
    )
    expect(decodeSctp(new Uint8Array(35))).toBeUndefined()
    expect(decodeSctp(new Uint8Array(64))).toBeUndefined()
  })
})

test('the internet checksum of the example in RFC 1071', () => {
  expect(internetChecksum(Buffer.from('0001f203f4f5f6f7', 'hex'))).toBe(~0xddf2 & 0xffff)
})

test('socket addresses have the layout of the kernel', () => {
  expect(Buffer.from(sockaddr('192.0.2.1')).toString('hex')).toBe(
    '02000000c00002010000000000000000',
  )
  expect(Buffer.from(sockaddr('2001:db8::1')).toString('hex')).toBe(
    `0a00${'00'.repeat(6)}20010db8000000000000000000000001${'00'.repeat(4)}`,
  )
  expect([...addressBytes('0.0.0.1')]).toEqual([0, 0, 0, 1])
  expect(() => sockaddr('one')).toThrow('one is not an IP address.')
})
