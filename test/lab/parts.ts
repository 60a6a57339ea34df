import type { Verdict } from '../../src/policy/verdict.ts'
import type { LabPod } from '../../src/lab/lab-pod.ts'
import type { ProbeResult } from '../../src/lab/probe.ts'
import { address } from '../policy/literals.ts'

export function labPod(key: `${string}/${string}`, changes: Partial<LabPod> = {}): LabPod {
  return {
    key,
    node: 'node-1',
    uid: key.replace('/', '-'),
    hostNetwork: false,
    netns: `/run/netns/${key.replace('/', '.')}`,
    addresses: [],
    ports: [],
    value: {},
    ...changes,
  }
}

const open = { verdict: 'allow', isolatedBy: [], allowedBy: null, nearestMiss: null } as const

export const allowed: Verdict = { verdict: 'allow', reason: 'Open.', egress: open, ingress: open }

export function result(changes: Partial<ProbeResult>): ProbeResult {
  return {
    from: 'a/a',
    to: 'b/b',
    protocol: 'TCP',
    port: 80,
    source: { place: 'a/a', address: address('10.0.0.1') },
    destination: { place: 'b/b', address: address('10.0.0.2') },
    expected: 'allow',
    actual: 'allow',
    agreed: true,
    reason: 'Open.',
    verdict: allowed,
    ...changes,
  }
}
