import { isIP } from 'node:net'
import fc from 'fast-check'
import { parseIp, stringifyIp } from 'ip-bigint'
import { describe, expect, test } from 'vitest'
import {
  blockOf,
  contains,
  familyOf,
  formatAddress,
  formatCidr,
  ip4,
  ip6,
  parseAddress,
  parseCidr,
  strictlyInside,
} from '../../src/policy/address.ts'
import type { Address } from '../../src/policy/address.ts'
import { cidr } from './literals.ts'

const MAPPED = 0xffffn
const any4 = fc.integer({ min: 0, max: 0xffff_ffff }).map(ip4)
/** Half of them with runs of zero groups, which is what `::` is about. */
const any6 = fc
  .oneof(
    fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }),
    fc
      .array(fc.oneof(fc.constant(0n), fc.bigInt({ min: 0n, max: 0xffffn })), {
        minLength: 8,
        maxLength: 8,
      })
      .map((groups) => groups.reduce((sum, group) => (sum << 16n) | group, 0n)),
  )
  .map(ip6)
const any: fc.Arbitrary<Address> = fc.oneof(any4, any6)
/** Texts near the two notations. */
const scribble = fc
  .array(
    fc.constantFrom('0', '1', '9', 'a', 'F', 'g', '.', ':', '::', '255', '256', '01', 'ffff', ' '),
    { maxLength: 17, size: 'max' },
  )
  .map((parts) => parts.join(''))

describe('parseAddress', () => {
  test('reads what it formats', () => {
    fc.assert(
      fc.property(any, (address) => {
        const back = parseAddress(formatAddress(address))
        const mapped = typeof address === 'bigint' && address >> 32n === MAPPED
        expect(back).toBe(mapped ? ip4(Number(address & 0xffff_ffffn)) : address)
      }),
      { numRuns: 2000 },
    )
  })

  test('accepts exactly what the runtime accepts, zones aside', () => {
    fc.assert(
      fc.property(fc.oneof(scribble, fc.ipV4(), fc.ipV6(), fc.ipV4Extended()), (text) => {
        expect(parseAddress(text) === undefined).toBe(isIP(text) === 0)
      }),
      { numRuns: 20_000 },
    )
  })

  test('agrees with ip-bigint on the value', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.ipV4(),
          fc.ipV6(),
          scribble.filter((text) => isIP(text) > 0),
        ),
        (text) => {
          const theirs = parseIp(text)
          const ours = parseAddress(text)
          const mapped = theirs.version === 6 && theirs.number >> 32n === MAPPED
          expect(BigInt(ours ?? -1n)).toBe(mapped ? theirs.number & 0xffff_ffffn : theirs.number)
        },
      ),
      { numRuns: 5000 },
    )
  })

  test.each([
    '',
    '.',
    ':',
    '::1::',
    ':::',
    '1:::2',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7:8::',
    '1:2:3:4:5:6:7:',
    ':1:2:3:4:5:6:7',
    '::00001',
    '12345::',
    'fe80::1%eth0',
    '1.2.3',
    '1.2.3.4.5',
    '010.1.1.1',
    '0x7f.1',
    '1.2.3.256',
    ' 1.2.3.4',
    '1.2.3.4 ',
    '1.2.3.4\n',
    '::1.2.3',
    '::1.2.3.4.5',
    '1:2:3:4:5:6:7:1.2.3.4',
    '1.2.3.4::',
    '::1.2.3.4:5',
    '::g',
    '-1.2.3.4',
    '1..2.3',
    '١.1.1.1',
  ])('refuses %j', (text) => {
    expect(parseAddress(text)).toBeUndefined()
  })

  test('reads an IPv4-mapped address as IPv4', () => {
    expect(parseAddress('::ffff:10.1.2.3')).toBe(ip4(0x0a010203))
    expect(parseAddress('::FFFF:a01:203')).toBe(ip4(0x0a010203))
    expect(parseAddress('::10.1.2.3')).toBe(ip6(0x0a010203n))
  })
})

describe('formatAddress', () => {
  test.each([
    [0n, '::'],
    [1n, '::1'],
    [0x20010db8_0000_0000_0001_0000_0000_0001n, '2001:db8::1:0:0:1'],
    [0x20010db8_0000_0001_0001_0001_0001_0001n, '2001:db8:0:1:1:1:1:1'],
    [0x20010db8_0000_0000_0001_0000_0000_0000n, '2001:db8:0:0:1::'],
    [0x00010000_0000_0000_0000_0000_0000_0000n, '1::'],
    [0xffff_01020304n, '::ffff:1.2.3.4'],
    [0xabcdef0n, '::abc:def0'],
  ])('%s is %s', (value, text) => {
    expect(formatAddress(ip6(value))).toBe(text)
  })

  test('agrees with ip-bigint', () => {
    fc.assert(
      fc.property(
        any.filter((address) => typeof address === 'number' || address >> 32n !== MAPPED),
        (address) => {
          expect(formatAddress(address)).toBe(
            stringifyIp({ number: BigInt(address), version: familyOf(address) }),
          )
        },
      ),
      { numRuns: 2000 },
    )
  })
})

describe('makers', () => {
  test.each([-1, 2 ** 32, 1.5, Number.NaN])('ip4 refuses %s', (value) => {
    expect(() => ip4(value)).toThrow(RangeError)
  })
  test.each([-1n, 1n << 128n])('ip6 refuses %s', (value) => {
    expect(() => ip6(value)).toThrow(RangeError)
  })
  test.each([
    [ip4(0), 33],
    [ip4(0), -1],
    [ip6(0n), 129],
    [ip4(0), 1.5],
  ])('blockOf(%s, %s) throws', (address, prefix) => {
    expect(() => blockOf(address, prefix)).toThrow(RangeError)
  })
})

describe('parseCidr', () => {
  test.each([
    ['10.0.0.0/8', '10.0.0.0', '10.255.255.255', 8],
    ['0.0.0.0/0', '0.0.0.0', '255.255.255.255', 0],
    ['255.255.255.255/32', '255.255.255.255', '255.255.255.255', 32],
    ['128.0.0.0/1', '128.0.0.0', '255.255.255.255', 1],
    ['::/0', '::', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 0],
    ['2001:db8::/32', '2001:db8::', '2001:db8:ffff:ffff:ffff:ffff:ffff:ffff', 32],
    ['2001:DB8::/32', '2001:db8::', '2001:db8:ffff:ffff:ffff:ffff:ffff:ffff', 32],
    ['::1/128', '::1', '::1', 128],
  ])('reads %s without a warning', (text, first, last, prefix) => {
    const read = parseCidr(text)
    expect(read?.warning).toBeUndefined()
    expect(read?.cidr).toEqual({ first: parseAddress(first), last: parseAddress(last), prefix })
  })

  test.each([
    ['10.1.2.3/8', '10.0.0.0/8', 'has bits set after its prefix'],
    ['2001:db8::1/64', '2001:db8::/64', 'has bits set after its prefix'],
    ['010.000.0.0/8', '10.0.0.0/8', 'has leading zeros'],
    ['10.0.0.0/08', '10.0.0.0/8', 'has leading zeros'],
    ['02001:db8::/32', '2001:db8::/32', 'has leading zeros'],
    ['::ffff:10.0.0.0/104', '10.0.0.0/8', 'is an IPv4 block written as IPv6'],
    ['::ffff:0:0/96', '0.0.0.0/0', 'is an IPv4 block written as IPv6'],
  ])('reads %s as %s with a warning', (text, meant, fault) => {
    const read = parseCidr(text)
    expect(read && formatCidr(read.cidr)).toBe(meant)
    expect(read?.warning).toContain(fault)
    expect(read?.warning).toContain(JSON.stringify(meant))
  })

  test('keeps a block that reaches beyond the IPv4-mapped addresses as IPv6', () => {
    const read = parseCidr('::ffff:10.0.0.0/90')
    expect(read && formatCidr(read.cidr)).toBe('::ffc0:0:0/90')
  })

  test.each([
    '',
    '/',
    '10.0.0.0',
    '10.0.0.0/',
    '/8',
    '10.0.0.0/33',
    '::/129',
    '10.0.0.0/-1',
    '10.0.0.0/+8',
    '10.0.0.0/8/8',
    '10.0.0.0/8 ',
    ' 10.0.0.0/8',
    '10.0.0/8',
    '10.0.0.0/255.0.0.0',
    '10.0.0.0/1e1',
    'fe80::1%eth0/64',
    '1.2.3.4:80/8',
    '256.0.0.0/8',
    '::ffff:10.0.0.0/129',
    '10.0.0.0/٨',
  ])('refuses %j', (text) => {
    expect(parseCidr(text)).toBeUndefined()
  })

  test('reads every formatted block back', () => {
    fc.assert(
      fc.property(any, fc.nat(128), (address, bits) => {
        const block = blockOf(address, bits % (typeof address === 'number' ? 33 : 129))
        fc.pre(typeof address === 'number' || address >> 32n !== MAPPED)
        expect(parseCidr(formatCidr(block))).toEqual({ cidr: block })
      }),
      { numRuns: 1000 },
    )
  })
})

describe('blocks', () => {
  test('contain an address exactly when its leading bits are theirs', () => {
    fc.assert(
      fc.property(any, any, fc.nat(128), (inside, other, bits) => {
        const width = typeof inside === 'number' ? 32 : 128
        const prefix = bits % (width + 1)
        const block = blockOf(inside, prefix)
        const rest = BigInt(width - prefix)
        const same =
          typeof inside === typeof other && BigInt(inside) >> rest === BigInt(other) >> rest
        expect(contains(block, inside)).toBe(true)
        expect(contains(block, other)).toBe(same)
      }),
      { numRuns: 2000 },
    )
  })

  test('never contain the other family', () => {
    expect(contains(cidr('0.0.0.0/0'), ip6(1n))).toBe(false)
    expect(contains(cidr('::/0'), ip4(1))).toBe(false)
  })

  test.each([
    ['10.1.0.0/16', '10.0.0.0/8', true],
    ['10.0.0.0/8', '10.0.0.0/8', false],
    ['10.0.0.0/8', '10.1.0.0/16', false],
    ['11.0.0.0/16', '10.0.0.0/8', false],
    ['::/64', '0.0.0.0/0', false],
    ['10.0.0.0/8', '::/0', false],
  ])('%s strictly inside %s: %s', (inner, outer, expected) => {
    expect(strictlyInside(cidr(inner), cidr(outer))).toBe(expected)
  })
})
