import { expect, test } from 'vitest'
import { describeFlow } from '../../src/flows/describe-flow.ts'
import type { LoggedPacket } from '../../src/flows/logged-packet.ts'
import { clusterOf } from '../../src/policy/cluster.ts'
import { makeSelector } from '../../src/policy/selector.ts'
import { address } from '../policy/literals.ts'
import { podOf } from './pods.ts'

const cluster = clusterOf([
  { kind: 'node', name: 'n2', addresses: [address('192.168.0.2')] },
  {
    kind: 'pod',
    pod: podOf({
      name: 'web-5f-abcde',
      labels: new Map([['pod-template-hash', '5f']]),
      controller: 'ReplicaSet/web-5f',
      addresses: [address('10.0.0.2')],
      local: true,
    }),
  },
  {
    kind: 'policy',
    policy: {
      namespace: 'shop',
      name: 'closed',
      podSelector: makeSelector([]),
      ingress: [],
      egress: undefined,
    },
  },
])

const context = {
  clusterAround: () => cluster,
  place: () => ({ file: 'net.yaml', line: 7 }),
}

function logged(
  from: string,
  { protocol = 6, port = 80 }: { protocol?: number; port?: number | undefined } = {},
): LoggedPacket {
  return {
    verdict: 'deny',
    direction: 'ingress',
    sequence: undefined,
    packet: {
      source: address(from),
      destination: address('10.0.0.2'),
      protocol,
      sourcePort: 40_000,
      destinationPort: protocol === 6 ? port : undefined,
    },
  }
}

test('both ends, who isolates, and the reason that explain gives', () => {
  expect(describeFlow(logged('192.168.0.2'), 1000, context)).toEqual({
    firstAt: '1970-01-01T00:00:01.000Z',
    lastAt: '1970-01-01T00:00:01.000Z',
    packets: 1,
    verdict: 'deny',
    direction: 'ingress',
    protocol: 'TCP',
    port: 80,
    from: { kind: 'node', address: '192.168.0.2', node: 'n2' },
    to: {
      kind: 'pod',
      address: '10.0.0.2',
      namespace: 'shop',
      pod: 'web-5f-abcde',
      workload: { kind: 'Deployment', name: 'web' },
    },
    reason: expect.stringContaining('it is isolated by shop/closed'),
    isolatedBy: ['shop/closed'],
    rule: null,
  })
})

test('an address outside, and a protocol that no policy can name', () => {
  const flow = describeFlow(logged('203.0.113.9', { protocol: 47 }), 0, context)
  expect(flow).toMatchObject({
    protocol: 'protocol 47',
    port: null,
    from: { kind: 'outside', address: '203.0.113.9' },
    isolatedBy: ['shop/closed'],
    reason: 'Only a rule without ports can allow protocol 47 here, and none does.',
  })
})

test('a packet denied a moment ago that the policies of now allow', () => {
  const open = { ...cluster, policies: new Map() }
  const flow = describeFlow(logged('203.0.113.9'), 0, {
    ...context,
    clusterAround: () => open,
  })
  expect(flow?.reason).toMatch(/^The policies have changed since\. Now: /u)
})

test('what is allowed is told from the side of the pod that is here', () => {
  const open = { ...cluster, policies: new Map() }
  const allowed = { ...logged('203.0.113.9'), verdict: 'allow', direction: undefined } as const
  const { packet } = allowed
  const swapped = { ...packet, source: packet.destination, destination: packet.source }
  const opened = { ...context, clusterAround: () => open }
  expect(describeFlow(allowed, 0, opened)).toMatchObject({
    verdict: 'allow',
    direction: 'ingress',
    reason: 'Ingress of shop/web-5f-abcde: no policy isolates it.',
    rule: null,
  })
  expect(describeFlow({ ...allowed, packet: swapped }, 0, opened)?.direction).toBe('egress')
})

test('packets between strangers are nobody’s affair', () => {
  const empty = { ...cluster, pods: new Map() }
  expect(
    describeFlow(logged('203.0.113.9'), 0, { ...context, clusterAround: () => empty }),
  ).toBeUndefined()
})
