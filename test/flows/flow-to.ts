import type { Flow } from '../../src/flows/flow.ts'

/** A denied flow from outside to a port of a pod. */
export function flowTo(port: number, at: number): Flow {
  return {
    firstAt: new Date(at).toISOString(),
    lastAt: new Date(at).toISOString(),
    packets: 1,
    verdict: 'deny',
    direction: 'ingress',
    protocol: 'TCP',
    port,
    from: { kind: 'outside', address: '203.0.113.1' },
    to: { kind: 'pod', address: '10.0.0.2', namespace: 'shop', pod: 'web-0', workload: null },
    reason: 'Because.',
    isolatedBy: [],
    rule: null,
  }
}
