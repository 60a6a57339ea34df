import { describe, expect, test } from 'vitest'
import { judgeOf, resultOf } from '../../src/lab/judge.ts'
import { clusterOf } from '../../src/policy/cluster.ts'
import { parseObject } from '../../src/policy/parse.ts'
import type { ClusterEvent } from '../../src/policy/model.ts'
import { address } from '../policy/literals.ts'
import { allowed, result } from './parts.ts'

const packet = result({})
const open = { verdict: allowed, evaluated: 'allow', compiled: 'allow' } as const
const closed = {
  verdict: { ...allowed, verdict: 'deny', reason: 'Isolated.' },
  evaluated: 'deny',
  compiled: 'deny',
} as const
const silence = { kind: 'unanswered', detail: 'no answer within 1200 ms' } as const

describe('resultOf', () => {
  test('all three agree', () => {
    expect(resultOf(packet, open, { kind: 'answered', by: 'b/b' })).toMatchObject({
      expected: 'allow',
      actual: 'allow',
      agreed: true,
      reason: 'Open.',
    })
    expect(resultOf(packet, closed, silence)).toMatchObject({
      expected: 'deny',
      actual: 'deny',
      agreed: true,
      reason: 'Isolated.',
    })
  })

  test.each([
    [open, silence, 'the evaluator says allow, the compiler allow, the packet deny (no answer'],
    [closed, { kind: 'answered', by: 'b/b' }, 'the compiler deny, the packet allow (b/b answered)'],
    [
      { ...open, compiled: 'deny' },
      { kind: 'answered', by: 'b/b' },
      'the compiler deny, the packet',
    ],
    [open, { kind: 'answered', by: 'c/c' }, 'the packet allow (the answer came from c/c)'],
    [closed, { kind: 'unsent', detail: 'no route' }, '(it could not be sent: no route)'],
  ] as const)('says who disagrees: %j %j', (expectation, outcome, words) => {
    const { agreed, reason } = resultOf(packet, expectation, outcome)
    expect(agreed).toBe(false)
    expect(reason).toContain(words)
    expect(reason).toContain(expectation.verdict.reason)
  })

  test('an echo reply is known by its address, not by the name of a place', () => {
    const ping = result({ protocol: 'ICMP', port: undefined })
    expect(resultOf(ping, open, { kind: 'answered', by: '10.0.0.2' }).agreed).toBe(true)
  })
})

describe('judgeOf', () => {
  const pod = (name: string, ip: string, labels: object): unknown => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'a', labels },
    spec: { nodeName: 'n1', containers: [] },
    status: { podIPs: [{ ip }] },
  })
  const policy = {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: 'p', namespace: 'a' },
    spec: {
      podSelector: { matchLabels: { app: 'b' } },
      ingress: [{ from: [{ podSelector: { matchLabels: { app: 'a' } } }], ports: [{ port: 80 }] }],
    },
  }
  const objects = [pod('a', '10.0.0.1', { app: 'a' }), pod('b', '10.0.0.2', { app: 'b' }), policy]
  const events = objects.flatMap((object): ClusterEvent[] => {
    const parsed = parseObject(object, { unknownFields: 'reject' })
    return parsed.kind === 'pod' || parsed.kind === 'policy' ? [parsed] : []
  })
  const judge = judgeOf(
    clusterOf([...events, { kind: 'node', name: 'n1', addresses: [address('172.18.0.11')] }]),
  )
  const from = (ip: string) => ({ place: '', address: address(ip) })

  test.each([
    ['10.0.0.1', '10.0.0.2', 80, 'allow'],
    ['10.0.0.1', '10.0.0.2', 81, 'deny'],
    ['203.0.113.1', '10.0.0.2', 80, 'deny'],
    ['10.0.0.2', '10.0.0.2', 81, 'allow'],
    // What the own node sends is never policy, whatever the tables say.
    ['172.18.0.11', '10.0.0.2', 81, 'allow'],
    ['10.0.0.2', '203.0.113.1', 81, 'allow'],
  ] as const)('%s to %s port %i: both say %s', (source, destination, port, verdict) => {
    const expectation = judge({
      ...packet,
      source: from(source),
      destination: from(destination),
      port,
    })
    expect([expectation.evaluated, expectation.compiled]).toEqual([verdict, verdict])
  })
})
