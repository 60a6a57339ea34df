import { describe, expect, test } from 'vitest'
import { encode } from '../../src/netlink/encode.ts'
import { NFTA_RULE } from '../../src/nftables/attributes.ts'
import { factsOf } from '../../src/nftables/compile-match.ts'
import { compileRule } from '../../src/nftables/compile-rule.ts'
import type { Expression } from '../../src/nftables/expressions.ts'
import {
  drop,
  goto,
  limit,
  masquerade,
  match,
  matchMasked,
  reject,
  returnVerdict,
  setMeta,
} from '../../src/nftables/statements.ts'
import type { Statement } from '../../src/nftables/statements.ts'

describe('one instruction after the other, with the bytes that nft 1.0.6 sends', () => {
  const rules: readonly [
    text: string,
    statements: readonly Statement[],
    bytes: readonly string[],
  ][] = [
    [
      'ip saddr 10.0.0.0/8 tcp flags & (fin|syn|rst|ack) != syn reject with tcp reset',
      [
        match('ip saddr', '==', { first: 0x0a00_0000, prefix: 8 }),
        matchMasked('tcp flags', ['fin', 'syn', 'rst', 'ack'], '!=', ['syn']),
        reject('tcp reset'),
      ],
      [
        '24000180090001006d6574610000000014000280080002000000000f0800010000000001',
        '2c00018008000100636d700020000280080001000000000108000200000000000c0003800500010002000000',
        '340001800c0001007061796c6f6164002400028008000100000000010800020000000001080003000000000c' +
          '0800040000000001',
        '2c00018008000100636d700020000280080001000000000108000200000000000c000380050001000a000000',
        '24000180090001006d657461000000001400028008000200000000100800010000000001',
        '2c00018008000100636d700020000280080001000000000108000200000000000c0003800500010006000000',
        '340001800c0001007061796c6f6164002400028008000100000000010800020000000002080003000000000d' +
          '0800040000000001',
        '4c0001800c00010062697477697365003c000280080001000000000108000200000000010800060000000000' +
          '08000300000000010c00048005000100170000000c0005800500010000000000',
        '2c00018008000100636d700020000280080001000000000108000200000000010c0003800500010002000000',
        '240001800b00010072656a65637400001400028008000100000000010500020000000000',
      ],
    ],
    [
      'meta priority < 8000:0 goto d',
      [match('meta priority', '<', 0x8000_0000), goto('d')],
      [
        '24000180090001006d657461000000001400028008000200000000020800010000000001',
        '400001800e000100627974656f726465720000002c0002800800010000000001080002000000000108000300' +
          '0000000108000400000000040800050000000004',
        '2c00018008000100636d700020000280080001000000000108000200000000020c0003800800010080000000',
        '380001800e000100696d6d656469617465000000240002800800010000000000180002801400028008000100' +
          'fffffffc0600020064000000',
      ],
    ],
    [
      'iifname "slc*" meta priority set 0 return',
      [match('iifname', '==', 'slc*'), setMeta('meta priority', 0), returnVerdict],
      [
        '24000180090001006d657461000000001400028008000200000000060800010000000001',
        '2c00018008000100636d700020000280080001000000000108000200000000000c00038007000100736c6300',
        '2c0001800e000100696d6d6564696174650000001800028008000100000000010c0002800800010000000000',
        '24000180090001006d657461000000001400028008000200000000020800030000000001',
        '300001800e000100696d6d6564696174650000001c0002800800010000000000100002800c00028008000100' +
          'fffffffb',
      ],
    ],
  ]
  test.each(rules)('%s', (_, statements, bytes) => {
    expect(compile('inet', statements).map(hex)).toEqual(bytes)
  })
})

describe('protocol checks', () => {
  const tcpPort = match('tcp dport', '==', 80)
  const source = match('ip saddr', '==', 1)
  const check = ['meta', 'cmp', 'payload', 'cmp']

  test('come once, before the first match that needs them', () => {
    const instructions = names(compile('inet', [source, tcpPort, match('ip daddr', '==', 2)]))
    expect(instructions).toEqual([...check, ...check, 'payload', 'cmp'])
  })

  test('are left out where the rule has matched on the protocol itself', () => {
    const statements = [match('meta l4proto', '==', 'tcp'), tcpPort]
    expect(names(compile('inet', statements))).toEqual(check)
  })

  test('stay where the rule only excluded a protocol', () => {
    const statements = [match('meta l4proto', '!=', 'udp'), tcpPort]
    expect(names(compile('inet', statements)).slice(2)).toEqual(check)
  })

  test('are left out where the table has one family only', () => {
    expect(names(compile('ip', [source]))).toEqual(['payload', 'cmp'])
    expect(names(compile('ip6', [source]))).toEqual(check)
  })
})

test('a prefix that ends within a byte is masked; /0 takes every address', () => {
  const masked = compile('ip', [match('ip saddr', '==', { first: 0x0a10_0000, prefix: 12 })])
  expect(names(masked)).toEqual(['payload', 'bitwise', 'cmp'])
  expect(hex(masked[1])).toContain('fff00000')
  const all = compile('ip', [match('ip saddr', '==', { first: 0, prefix: 0 })])
  expect(names(all)).toEqual(['payload', 'bitwise', 'cmp'])
})

describe('what cannot be said is refused by a sentence', () => {
  const loose: { first: number; prefix: number }[] = [
    { first: 0, prefix: 33 },
    { first: 0, prefix: -1 },
    { first: 0, prefix: 1.5 },
  ]
  test.each(loose)('%o', (prefix) => {
    expect(() => compile('ip', [match('ip saddr', '==', prefix)])).toThrow(
      `${prefix.prefix} is not a prefix length of type ipv4_addr.`,
    )
  })

  test('a port that is none', () => {
    expect(() => compile('inet', [match('th dport', '==', 65_536), drop])).toThrow(
      '65536 is not a value of type inet_service.',
    )
  })
})

test('masquerade', () => {
  expect(compile('inet', [masquerade]).map(hex)).toEqual([
    '14000180090001006d6173710000000004000280',
  ])
})

test('nodes are frozen', () => {
  const node = limit(10)
  expect(() => Object.assign(node, { rate: 11 })).toThrow(TypeError)
})

function compile(family: 'inet' | 'ip' | 'ip6', statements: readonly Statement[]): Expression[] {
  const addAnonymousSet = () => ({ name: '__set%d', id: 1 })
  return compileRule({ family, facts: factsOf(family), addAnonymousSet }, statements)
}

/** Of the instruction as an item of its rule's list. */
function hex(expression: Expression | undefined): string {
  const rule = encode(NFTA_RULE, { NFTA_RULE_EXPRESSIONS: expression ? [expression] : [] })
  return Buffer.from(rule.subarray(4)).toString('hex')
}

function names(expressions: readonly Expression[]): (string | undefined)[] {
  return expressions.map(({ NFTA_EXPR_NAME }) => NFTA_EXPR_NAME)
}
