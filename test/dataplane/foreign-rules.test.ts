import { describe, expect, test } from 'vitest'
import { foreignObstacles } from '../../src/dataplane/foreign-rules.ts'
import { emptyKernelState, record } from '../../src/dataplane/kernel-state.ts'
import type { ReadRule, RuleCondition, RuleEnd } from '../../src/nftables/read-rule.ts'
import { address } from '../policy/literals.ts'

const state = emptyKernelState()
const POD_RANGE = { first: address('10.1.0.0'), last: address('10.1.0.255') }
record(state, { kind: 'ranges', of: 'pods', family: 4, ranges: [POD_RANGE] })
record(state, { kind: 'local', address: address('fd00::7'), interface: 'slc7' })
const traffic = { interfacePrefix: 'slc', state }

const rule = (end: RuleEnd, ...conditions: RuleCondition[]): ReadRule => ({ end, conditions })
const between = (first: string, last: string): RuleCondition => {
  return { kind: 'address', first: address(first), last: address(last) }
}
const named = (name: string, isPrefix: boolean): RuleCondition => {
  return { kind: 'interface', name, isPrefix }
}
const other: RuleCondition = { kind: 'other' }

function told(policy: 'accept' | 'drop', ...rules: ReadRule[]): string[] {
  const table = { family: 'ip', table: 'filter' } as const
  const base = { type: 'filter', hook: 'forward', priority: 0, policy } as const
  return foreignObstacles({ table, chain: 'FORWARD', base }, rules, traffic)
}

test('a policy that drops is told, unless pods are accepted first', () => {
  expect(told('drop')).toEqual([
    'The policy of chain FORWARD of table ip filter drops what no rule there accepts, and none accepts packets of pods: accept the pods of this node there, or set the policy to accept.',
  ])
  expect(told('drop', rule('accept', between('10.1.0.0', '10.1.255.255')))).toEqual([])
  expect(told('drop', rule('accept', between('10.9.0.0', '10.9.255.255')))).toHaveLength(1)
  expect(told('drop', rule('accept', between('10.1.0.0', '10.1.0.255'), other))).toHaveLength(1)
  expect(told('accept')).toEqual([])
})

test('so is a rule that refuses everything', () => {
  expect(told('accept', rule('reject'))).toEqual([
    'A rule in chain FORWARD of table ip filter rejects packets of pods, whatever policy allows: take it away, or accept the pods of this node before it.',
  ])
  expect(told('accept', rule('accept', named('slc', true)), rule('drop'))).toEqual([])
})

describe('packets of pods are told by', () => {
  test.each<[string, RuleCondition, boolean]>([
    ['a range that holds some', between('10.0.0.0', '10.1.0.1'), true],
    ['one that holds none', between('10.2.0.0', '10.2.0.1'), false],
    ['one of the other family', between('::', '::ffff'), false],
    ['the address of a pod', between('fd00::7', 'fd00::7'), true],
    ['that of nobody', between('fd00::8', 'fd00::8'), false],
    ['the name of an interface', named('slc7', false), true],
    ['the prefix of all', named('slc', true), true],
    ['a shorter prefix', named('s', true), true],
    ['another name', named('eth0', false), false],
    ['what is not read', other, false],
  ])('%s', (_, condition, isOfPods) => {
    expect(told('accept', rule('drop', condition))).toHaveLength(isOfPods ? 1 : 0)
  })
})

test('a rule that keeps pods from tracking is told, that of the local DNS cache is not', () => {
  expect(told('accept', rule('notrack'))).toEqual([
    expect.stringMatching(/keeps packets of pods from connection tracking/u),
  ])
  expect(told('accept', rule('notrack', between('169.254.20.10', '169.254.20.10')))).toEqual([])
  expect(told('accept', rule('other'))).toEqual([])
})
