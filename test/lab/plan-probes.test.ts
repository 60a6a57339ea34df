import { describe, expect, test } from 'vitest'
import type { LabPod } from '../../src/lab/lab-pod.ts'
import { placeOf } from '../../src/lab/lab-pod.ts'
import { everyProbe, planProbes, probeText } from '../../src/lab/plan-probes.ts'
import { address } from '../policy/literals.ts'
import { labPod } from './parts.ts'

const dual = labPod('shop/web', {
  addresses: [address('10.244.0.2'), address('fd00::2')],
  ports: [
    { protocol: 'TCP', port: 80 },
    { protocol: 'UDP', port: 53 },
  ],
})
const old = labPod('shop/old', { addresses: [address('10.244.0.3')] })
const host = labPod('kube/proxy', {
  addresses: [address('172.18.0.11')],
  hostNetwork: true,
  node: 'n',
})

function targets(pods: readonly LabPod[]) {
  return { pods, placeOf, placeAt: () => 'outside' }
}

describe('everyProbe', () => {
  test('goes from every pod to every declared port of every pod, its own too', () => {
    expect(everyProbe([dual, old])).toEqual([
      { from: 'shop/web', to: 'shop/web', protocol: 'TCP', port: 80 },
      { from: 'shop/web', to: 'shop/web', protocol: 'UDP', port: 53 },
      { from: 'shop/old', to: 'shop/web', protocol: 'TCP', port: 80 },
      { from: 'shop/old', to: 'shop/web', protocol: 'UDP', port: 53 },
    ])
  })
})

describe('planProbes', () => {
  test('sends one packet in each family that both ends have', () => {
    const both = planProbes(
      [{ from: 'shop/web', to: 'shop/web', port: 80, protocol: 'TCP' }],
      targets([dual]),
    )
    expect(both.map(probeText)).toEqual([
      'shop/web → 10.244.0.2 TCP/80',
      'shop/web → fd00::2 TCP/80',
    ])
    const one = planProbes(
      [{ from: 'shop/old', to: 'shop/web', port: undefined, protocol: 'ICMP' }],
      targets([dual, old]),
    )
    expect(one.map(probeText)).toEqual(['shop/old → 10.244.0.2 ICMP'])
  })

  test('an address stands for itself, a pod on the host network for its node', () => {
    const [packet] = planProbes(
      [{ from: '203.0.113.9', to: 'kube/proxy', port: 1, protocol: 'UDP' }],
      targets([host]),
    )
    expect(packet?.source).toEqual({ place: 'outside', address: address('203.0.113.9') })
    expect(packet?.destination).toEqual({ place: 'node n', address: address('172.18.0.11') })
  })

  test.each([
    ['shop/wep', 'The lab runs no pod shop/wep. Did you mean shop/web?'],
    ['bank/vault', 'The lab runs no pod bank/vault. Name one that runs.'],
  ])('does not know %s', (to, message) => {
    const probe = { from: 'shop/web', to, port: 80, protocol: 'TCP' } as const
    expect(() => planProbes([probe], targets([dual]))).toThrow(message)
  })

  test('says that two ends have no family in common', () => {
    const probe = { from: 'shop/old', to: '2001:db8::1', port: 80, protocol: 'TCP' } as const
    expect(() => planProbes([probe], targets([old]))).toThrow(
      'shop/old and 2001:db8::1 have no addresses of one family; probe others.',
    )
  })
})
