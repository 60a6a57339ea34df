import { describe, expect, test } from 'vitest'
import { addressPlan, nodeAddresses, outsideGateways, rangeOf } from '../../src/lab/address-plan.ts'
import { formatAddress, formatCidr } from '../../src/policy/address.ts'
import { address } from '../policy/literals.ts'

function shown(families: readonly (4 | 6)[], place: number) {
  const { own, podCidrs } = nodeAddresses(addressPlan(families), place)
  return { own: own.map(formatAddress), podCidrs: podCidrs.map(formatCidr) }
}

describe('the plan of addresses', () => {
  test('gives each node an address and a part of the pod range in each family', () => {
    expect(shown([4, 6], 0)).toEqual({
      own: ['172.18.0.11', 'fc00:f853:ccd:e793::b'],
      podCidrs: ['10.244.0.0/24', 'fd00:10:244::/64'],
    })
    expect(shown([4, 6], 200)).toEqual({
      own: ['172.18.0.211', 'fc00:f853:ccd:e793::d3'],
      podCidrs: ['10.244.200.0/24', 'fd00:10:244:c8::/64'],
    })
    expect(shown([6], 1)).toEqual({
      own: ['fc00:f853:ccd:e793::c'],
      podCidrs: ['fd00:10:244:1::/64'],
    })
    expect(outsideGateways(addressPlan([4])).map(formatAddress)).toEqual(['172.18.0.1'])
  })

  test('takes ranges in any order, for the families asked for', () => {
    const plan = addressPlan([4], ['fd01::/64', '192.0.2.0/26'], ['10.1.0.0/16', 'fd02::/48'])
    expect(plan.nodes.map(formatCidr)).toEqual(['192.0.2.0/26'])
    expect(nodeAddresses(plan, 3).podCidrs.map(formatCidr)).toEqual(['10.1.3.0/24'])
  })

  test('tells what an address belongs to', () => {
    const plan = addressPlan([4, 6])
    expect(rangeOf(plan, address('10.244.255.255'))).toBe('pod')
    expect(rangeOf(plan, address('fd00:10:244:ff::1'))).toBe('pod')
    expect(rangeOf(plan, address('172.18.0.1'))).toBe('node')
    expect(rangeOf(plan, address('10.245.0.0'))).toBeUndefined()
    expect(rangeOf(addressPlan([4]), address('fd00:10:244::1'))).toBeUndefined()
  })

  test.each([
    [() => addressPlan([4], ['10.0.0.0']), 'The node range 10.0.0.0 is no CIDR.'],
    [() => addressPlan([6], ['10.0.0.0/24']), 'There is no IPv6 node range.'],
    [() => addressPlan([4], undefined, ['fd00::/48']), 'There is no IPv4 pod range.'],
    [
      () => nodeAddresses(addressPlan([4], ['10.0.0.0/28'], ['10.1.0.0/16']), 4),
      'The node range 10.0.0.0/28 is too small for so many nodes.',
    ],
    [
      () => nodeAddresses(addressPlan([4], undefined, ['10.1.0.0/23']), 2),
      'The pod range 10.1.0.0/23 is too small: every node needs a /24 of it.',
    ],
    [
      () => nodeAddresses(addressPlan([4], undefined, ['10.1.0.0/25']), 0),
      'The pod range 10.1.0.0/25 is too small: every node needs a /24 of it.',
    ],
  ])('says what is wrong with a range: %s', (make, message) => {
    expect(make).toThrow(message)
  })
})
