import { expect, test } from 'vitest'
import { attributes, list } from '../../src/netlink/attributes.ts'
import { encode } from '../../src/netlink/encode.ts'
import { NFTA_EXPR } from '../../src/nftables/attributes.ts'
import { expression, type Expression, expressions } from '../../src/nftables/expressions.ts'
import { compare, load, mask, verdict } from '../../src/nftables/instructions.ts'
import { readRule } from '../../src/nftables/read-rule.ts'
import { selectors } from '../../src/nftables/selectors.ts'
import { address } from '../policy/literals.ts'

const RULE = attributes({ all: [1, list(NFTA_EXPR)] })
/** Inside the nest of the list. */
const encoded = (...instructions: Expression[]) => encode(RULE, { all: instructions }).subarray(4)
const DROP = verdict('drop')
const OTHER = { kind: 'other' }

test('a rule without conditions', () => {
  expect(readRule(encoded(DROP))).toMatchObject({ end: 'drop', conditions: [] })
  expect(readRule(encoded(verdict('accept')))).toMatchObject({ end: 'accept' })
  expect(readRule(encoded(verdict('jump', 'there')))).toMatchObject({ end: 'other' })
  const reject = expression('reject', expressions.reject, { NFTA_REJECT_TYPE: 0 })
  expect(readRule(encoded(reject))).toMatchObject({ end: 'reject', conditions: [] })
})

test('an interface, and the beginning of its name', () => {
  const from = load(selectors.iifname.load, 1)
  const whole = Buffer.concat([Buffer.from('eth0'), Buffer.alloc(12)])
  expect(readRule(encoded(from, compare('==', whole), DROP)).conditions).toEqual([
    { kind: 'interface', name: 'eth0', isPrefix: false },
  ])
  expect(readRule(encoded(from, compare('==', Buffer.from('slc')), DROP)).conditions).toEqual([
    { kind: 'interface', name: 'slc', isPrefix: true },
  ])
  expect(readRule(encoded(from, compare('!=', whole), DROP)).conditions).toEqual([OTHER])
})

test.each([
  ['10.1.2.3', undefined, '10.1.2.3', '10.1.2.3'],
  ['10.1.0.0', [255, 254, 0, 0], '10.1.0.0', '10.1.255.255'],
])('the address %s', (text, bits, first, last) => {
  const value = Buffer.from(text.split('.').map(Number))
  const masked = bits === undefined ? [] : [mask(Uint8Array.from(bits))]
  const rule = encoded(load(selectors['ip saddr'].load, 1), ...masked, compare('==', value), DROP)
  const end = bits === undefined ? last : '10.1.255.255'
  expect(readRule(rule).conditions).toEqual([
    { kind: 'address', first: address(first), last: address(end) },
  ])
})

test('the first bytes of an address, as nft compares a range of whole bytes', () => {
  const rule = encoded(
    load(selectors['meta nfproto'].load, 1),
    compare('==', Uint8Array.of(10)),
    load(selectors['ip6 daddr'].load, 1, 2),
    compare('==', Uint8Array.of(0xfd, 0)),
    DROP,
  )
  expect(readRule(rule).conditions).toEqual([
    {
      kind: 'address',
      first: address('fd00::'),
      last: address('fd00:ffff:ffff:ffff:ffff:ffff:ffff:ffff'),
    },
  ])
})

test('what is not read is a condition of some other kind', () => {
  const port = [load(selectors['th dport'].load, 1), compare('==', Uint8Array.of(0, 53))]
  expect(readRule(encoded(...port, DROP))).toMatchObject({ end: 'drop', conditions: [OTHER] })
  const set = expression('lookup', expressions.lookup, { NFTA_LOOKUP_SET: 's' })
  expect(readRule(encoded(set, DROP)).conditions).toEqual([OTHER])
})
