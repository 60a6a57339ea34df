import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CniError } from '../../src/cni/errors.ts'
import { decodeRequest, encodeReply, requestLength } from '../../src/cni/frame.ts'
import { encodeRequest } from './encode-request.ts'
import { frameOf } from './frame-of.ts'

test('golden bytes of a request', () => {
  const bytes = Buffer.from(
    '534c4331100000000200000043 4e495f434f4d4d414e443d4144 4400 7b7d'.replaceAll(' ', ''),
    'hex',
  )
  const request = { environment: new Map([['CNI_COMMAND', 'ADD']]), stdin: '{}' }
  expect(decodeRequest(bytes)).toEqual(request)
  expect(encodeRequest(request)).toEqual(bytes)
})

test('golden bytes of a reply', () => {
  expect(encodeReply({ exitCode: 1, body: 'é' }).toString('hex')).toBe(
    '534c43310100000002000000c3a9',
  )
})

test.each([
  ['another beginning', Buffer.from('GET / HTTP/1.1\r\n'), 'does not begin with SLC1'],
  ['no header', Buffer.from('SLC1'), 'it is cut short'],
  ['nothing', Buffer.alloc(0), 'it is cut short'],
  ['no end', frameOf('CNI_COMMAND=ADD\0', '{}').subarray(0, -1), 'it is cut short'],
  ['a tail', Buffer.concat([frameOf('', '{}'), Buffer.from('xy')]), '2 bytes follow its end'],
  [
    'an open variable',
    frameOf('CNI_COMMAND=ADD', ''),
    'last variable of its environment is cut short',
  ],
  ['another variable', frameOf('PATH=/bin\0', ''), 'its environment holds "PATH=/bin"'],
  ['no variable', frameOf('\0', ''), 'its environment holds ""'],
  ['one twice', frameOf('CNI_A=1\0CNI_A=2\0', ''), 'its environment holds CNI_A twice'],
  ['no UTF-8', frameOf('', Buffer.from([0xff])), 'its network configuration is not UTF-8'],
  ['no UTF-8 names', frameOf(Buffer.from([0xc3, 0]), ''), 'its environment is not UTF-8'],
])('%s is refused', (_, bytes, reason) => {
  expect(() => decodeRequest(bytes)).toThrow(`The CNI request cannot be read: `)
  expect(() => decodeRequest(bytes)).toThrow(reason)
})

describe('limits, told from the header alone', () => {
  const header = (environment: number, stdin: number): Buffer => {
    const bytes = Buffer.from('SLC1\0\0\0\0\0\0\0\0')
    bytes.writeUInt32LE(environment, 4)
    bytes.writeUInt32LE(stdin, 8)
    return bytes
  }

  test('the largest allowed', () => {
    expect(requestLength(header(65_536, 1_048_576))).toBe(12 + 65_536 + 1_048_576)
  })

  test.each([
    [65_537, 0, 'its environment of 65537 bytes is over the limit of 65536 bytes'],
    [0, 1_048_577, 'its network configuration of 1048577 bytes is over the limit'],
    [0xffff_ffff, 0xffff_ffff, 'its environment of 4294967295 bytes'],
  ])('%d and %d', (environment, stdin, reason) => {
    expect(() => requestLength(header(environment, stdin))).toThrow(reason)
  })
})

test('values may hold = and newlines', () => {
  const { environment } = decodeRequest(frameOf('CNI_ARGS=A=1;B=\n2\0CNI_PATH=\0', ''))
  expect([...environment]).toEqual([
    ['CNI_ARGS', 'A=1;B=\n2'],
    ['CNI_PATH', ''],
  ])
})

const name = fc.stringMatching(/^CNI_[A-Z_]{1,12}$/u)
const text = fc.string({ unit: 'grapheme' }).filter((s) => !s.includes('\0'))

test('what is encoded is decoded', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.tuple(name, text), { selector: ([n]) => n }),
      fc.string({ unit: 'grapheme' }),
      (pairs, stdin) => {
        const request = { environment: new Map(pairs), stdin }
        expect(decodeRequest(encodeRequest(request))).toEqual(request)
      },
    ),
  )
})

test('any bytes give a request or a CNI error, never anything else', () => {
  const whole = encodeRequest({ environment: new Map([['CNI_COMMAND', 'ADD']]), stdin: '{"a":1}' })
  const mutated = fc
    .tuple(fc.nat(whole.length - 1), fc.nat(255), fc.nat(whole.length))
    .map(([at, byte, end]) => {
      const bytes = Buffer.from(whole)
      bytes[at] = byte
      return bytes.subarray(0, end)
    })
  const anything = fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes))
  fc.assert(
    fc.property(fc.oneof(mutated, anything), (bytes) => {
      try {
        decodeRequest(bytes)
      } catch (error) {
        expect(error).toBeInstanceOf(CniError)
        expect(error).toMatchObject({ code: 6 })
      }
    }),
    { numRuns: 2_000 },
  )
})
