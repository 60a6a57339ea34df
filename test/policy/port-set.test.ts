import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Grant, permits, portSetKey, unionOf } from '../../src/policy/port-set.ts'
import { PORTS, portMatch } from './arbitraries.ts'
import { port } from './literals.ts'
import { check } from './property.ts'
import { tcp } from './models.ts'

const TCP: Grant = { kind: 'every', protocol: 'TCP' }

function rangesOf(...grants: Grant[]): string {
  return portSetKey(unionOf(grants))
}

test.each<[what: string, grants: Grant[], key: string]>([
  ['nothing is the empty allow-list', [], 'allow '],
  ['all swallows everything', [tcp(80), TCP, { kind: 'all' }], 'allow all'],
  ['a whole protocol swallows its ranges', [tcp(80), TCP], 'allow TCP'],
  ['overlapping ranges merge', [tcp(80, 90), tcp(85, 95)], 'allow TCP:80-95'],
  ['adjacent ranges merge', [tcp(81), tcp(80)], 'allow TCP:80-81'],
  ['ranges with a gap do not', [tcp(82), tcp(80)], 'allow TCP:80-80 TCP:82-82'],
  ['a range inside another goes', [tcp(1, 99), tcp(5)], 'allow TCP:1-99'],
])('%s', (_, grants, key) => {
  expect(rangesOf(...grants)).toBe(key)
})

const grant = fc.oneof(
  portMatch.filter((match) => match.kind !== 'named'),
  { weight: 1, arbitrary: fc.constant<Grant>({ kind: 'all' }) },
)
const grants = fc.array(grant, { maxLength: 6 })

test('a union permits what one of its parts permits', () => {
  const property = fc.property(grants, (parts) => {
    const whole = unionOf(parts)
    for (const protocol of ['TCP', 'UDP', 'SCTP', 'ICMP'] as const) {
      for (const of of protocol === 'ICMP' ? [undefined] : PORTS) {
        const expected = parts.some((part) => permits(unionOf([part]), protocol, of))
        expect(permits(whole, protocol, of)).toBe(expected)
      }
    }
  })
  check('union', 300, property)
})

test('order and repetition of the parts do not matter', () => {
  const property = fc.property(grants, (parts) => {
    expect(unionOf([...parts, ...parts].reverse())).toEqual(unionOf(parts))
  })
  check('canonical', 300, property)
})

test('a deny-list permits what it does not name', () => {
  const set = { ...unionOf([tcp(80)]), kind: 'deny' } as const
  expect(permits(set, 'TCP', 80)).toBe(false)
  expect(permits(set, 'TCP', port(81))).toBe(true)
  expect(permits(set, 'ICMP', undefined)).toBe(true)
  expect(portSetKey(set)).not.toBe(portSetKey(unionOf([tcp(80)])))
})
