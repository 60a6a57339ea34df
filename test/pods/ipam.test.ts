import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Ipam } from '../../src/pods/ipam.ts'
import { formatAddress } from '../../src/policy/address.ts'
import type { Address } from '../../src/policy/address.ts'
import { address, cidr } from '../policy/literals.ts'

const COOLDOWN_MS = 60_000

function ipamOf(...ranges: string[]): { ipam: Ipam; clock: { now: number }; take: () => string[] } {
  const clock = { now: 1_000_000 }
  const ipam = new Ipam({ ranges: ranges.map(cidr), cooldownMs: COOLDOWN_MS, now: () => clock.now })
  return { ipam, clock, take: () => ipam.allocate().map(formatAddress) }
}

describe('families', () => {
  test.each([
    ['IPv4', ['10.0.0.0/24'], ['10.0.0.2']],
    ['IPv6', ['fd00::/64'], ['fd00::1']],
    ['both, whatever their order', ['fd00::/64', '10.0.0.0/24'], ['10.0.0.2', 'fd00::1']],
  ])('%s', (_, ranges, expected) => {
    expect(ipamOf(...ranges).take()).toEqual(expected)
  })

  test('without a range there are no addresses to give', () => {
    expect(ipamOf().take()).toEqual([])
  })

  test('a range without room is refused', () => {
    expect(() => ipamOf('10.0.0.0/31')).toThrow('has no room for a pod')
    expect(() => ipamOf('fd00::/128')).toThrow('has no room for a pod')
  })
})

describe('exhaustion', () => {
  test('an IPv4 range gives all but network, gateway and broadcast', () => {
    const { take } = ipamOf('10.0.0.0/29')
    expect([1, 2, 3, 4, 5].flatMap(take)).toEqual([
      '10.0.0.2',
      '10.0.0.3',
      '10.0.0.4',
      '10.0.0.5',
      '10.0.0.6',
    ])
    expect(take).toThrow(
      'All 5 addresses of 10.0.0.0/29 are in use (5 pods); give this node another range',
    )
  })

  test('an IPv6 range gives all but its first, up to the end of the address space', () => {
    const last = 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127'
    const { take } = ipamOf(last)
    expect(take()).toEqual(['ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'])
    expect(take).toThrow('All 1 addresses of')
  })

  test('the end of the IPv4 space', () => {
    const { take } = ipamOf('255.255.255.252/30')
    expect(take()).toEqual(['255.255.255.254'])
    expect(take).toThrow('All 1 addresses of')
  })

  test('a second range follows the first', () => {
    const { take } = ipamOf('10.0.0.0/30', '10.9.0.0/30')
    expect([take(), take()]).toEqual([['10.0.0.2'], ['10.9.0.2']])
    expect(take).toThrow('All 2 addresses of 10.0.0.0/30, 10.9.0.0/30')
  })

  test('when one family has none left, none of the other is taken', () => {
    const { ipam, take } = ipamOf('10.0.0.0/30', 'fd00::/64')
    take()
    expect(take).toThrow('10.0.0.0/30')
    expect(ipam.usage().map(({ used }) => used)).toEqual([1, 1])
  })
})

describe('rest after use', () => {
  test('a freed address comes back first once it has rested, the first freed first', () => {
    const { ipam, clock, take } = ipamOf('10.0.0.0/24')
    take()
    take()
    ipam.free([address('10.0.0.3')])
    clock.now += 1
    ipam.free([address('10.0.0.2')])
    expect(take()).toEqual(['10.0.0.4'])
    clock.now += COOLDOWN_MS - 1
    expect(take()).toEqual(['10.0.0.3'])
    expect(take()).toEqual(['10.0.0.5'])
    clock.now += 1
    expect(take()).toEqual(['10.0.0.2'])
  })

  test('the rest is cut short only when nothing else is left, the first freed first', () => {
    const { ipam, clock, take } = ipamOf('10.0.0.0/29')
    for (let i = 0; i < 4; i++) take()
    ipam.free([address('10.0.0.4')])
    clock.now += 1
    ipam.free([address('10.0.0.2')])
    expect([take(), take(), take()].flat()).toEqual(['10.0.0.6', '10.0.0.4', '10.0.0.2'])
  })

  test('freeing twice does not prolong the rest, and freeing what was not used does nothing', () => {
    const { ipam, clock, take } = ipamOf('10.0.0.0/24')
    take()
    ipam.free([address('10.0.0.2')])
    clock.now += COOLDOWN_MS
    ipam.free([address('10.0.0.2'), address('10.0.0.77'), address('192.0.2.1')])
    expect([take(), take()].flat()).toEqual(['10.0.0.2', '10.0.0.3'])
  })

  test('without a rest a freed address is the next to be given, in the same instant', () => {
    const ranges = [cidr('10.0.0.0/24')]
    const ipam = new Ipam({ ranges, cooldownMs: 0, now: () => 1_000_000 })
    const [first, second] = [ipam.allocate(), ipam.allocate()]
    ipam.free(second)
    ipam.free(first)
    expect([ipam.allocate(), ipam.allocate()]).toEqual([second, first])
    const requested = first
    ipam.free(first)
    expect(ipam.allocate({ requested })).toEqual(first)
  })
})

describe('requested addresses', () => {
  test('are given, the other family as it comes', () => {
    const { ipam } = ipamOf('10.0.0.0/24', 'fd00::/64')
    expect(ipam.allocate({ requested: [address('10.0.0.200')] }).map(formatAddress)).toEqual([
      '10.0.0.200',
      'fd00::1',
    ])
  })

  test.each([
    ['10.0.0.2', 'is in use'],
    ['10.0.0.3', 'was freed just now; ask again in 60000 ms'],
    ['10.0.0.1', 'is in no range of this node'],
    ['10.0.0.255', 'is in no range of this node'],
    ['10.0.1.5', 'is in no range of this node'],
    ['fd00::5', 'has no range'],
  ])('%s %s', (text, reason) => {
    const { ipam, take } = ipamOf('10.0.0.0/24')
    take()
    take()
    ipam.free([address('10.0.0.3')])
    expect(() => ipam.allocate({ requested: [address(text)] })).toThrow(
      `The address ${text} asked for ${reason}`,
    )
    expect(ipam.usage()[0]?.used).toBe(1)
  })

  test('two of one family are too many', () => {
    const { ipam } = ipamOf('10.0.0.0/24')
    expect(() => ipam.allocate({ requested: [address('10.0.0.5'), address('10.0.0.6')] })).toThrow(
      '10.0.0.6',
    )
  })

  test('one ahead of the others is passed over later', () => {
    const { ipam, take } = ipamOf('10.0.0.0/24')
    ipam.allocate({ requested: [address('10.0.0.3')] })
    expect([take(), take()].flat()).toEqual(['10.0.0.2', '10.0.0.4'])
  })
})

test('addresses claimed from before are passed over; those of no range are ignored', () => {
  const { ipam, take } = ipamOf('10.0.0.0/24')
  ipam.claim([address('10.0.0.2'), address('10.0.0.4'), address('172.16.0.1')])
  expect([take(), take()].flat()).toEqual(['10.0.0.3', '10.0.0.5'])
  expect(ipam.usage()[0]).toMatchObject({ used: 4, capacity: 253n })
})

test('no step walks through a large range', () => {
  const { ipam, take } = ipamOf('10.0.0.0/8', 'fd00::/64')
  const start = performance.now()
  const taken = Array.from({ length: 20_000 }, () => ipam.allocate())
  for (const addresses of taken) ipam.free(addresses)
  for (let i = 0; i < 20_000; i++) take()
  // Walking a range of 16 million even once would take longer than this.
  expect(performance.now() - start).toBeLessThan(2_000)
})

test('against a plain model: never one address twice, never before its rest while others are free', () => {
  const range = cidr('10.0.0.0/28')
  const usable = 13
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.constant('take' as const), fc.nat(30), fc.nat(40_000).map(String)), {
        maxLength: 80,
      }),
      (steps) => {
        const clock = { now: 0 }
        const ipam = new Ipam({ ranges: [range], cooldownMs: COOLDOWN_MS, now: () => clock.now })
        const used: Address[] = []
        const freedAt = new Map<Address, number>()
        for (const step of steps) {
          if (typeof step === 'number') {
            const [gone] = used.splice(step % Math.max(used.length, 1), 1)
            if (gone === undefined) continue
            freedAt.set(gone, clock.now)
            ipam.free([gone])
          } else if (step === 'take' && used.length < usable) {
            const [got] = ipam.allocate()
            if (got === undefined) throw new Error('nothing allocated')
            expect(used).not.toContain(got)
            const since = freedAt.get(got)
            const resting = [...freedAt.values()].filter((at) => clock.now - at < COOLDOWN_MS)
            if (since !== undefined && clock.now - since < COOLDOWN_MS) {
              expect(used.length + resting.length).toBe(usable)
              expect(since).toBe(Math.min(...resting))
            }
            freedAt.delete(got)
            used.push(got)
          } else if (step === 'take') {
            expect(() => ipam.allocate()).toThrow('All 13 addresses')
          } else clock.now += Number(step)
        }
        expect(ipam.usage()[0]?.used).toBe(used.length)
      },
    ),
  )
})

describe('ranges asked for', () => {
  const range = (first: string, last: string) => ({ first: address(first), last: address(last) })

  test('the next address of them; the other family is free to choose', () => {
    const { ipam } = ipamOf('10.0.0.0/24', 'fd00::/64')
    const within = [range('10.0.0.100', '10.0.0.101'), range('10.0.0.200', '10.0.0.200')]
    const take = () => ipam.allocate({ within }).map(formatAddress)
    expect([take(), take(), take()]).toEqual([
      ['10.0.0.100', 'fd00::1'],
      ['10.0.0.101', 'fd00::2'],
      ['10.0.0.200', 'fd00::3'],
    ])
    expect(take).toThrow(
      'All addresses of 10.0.0.100-10.0.0.101, 10.0.0.200-10.0.0.200 are in use; ask for a larger range',
    )
    expect(ipam.allocate().map(formatAddress)).toEqual(['10.0.0.2', 'fd00::4'])
  })

  test('never network, gateway or broadcast', () => {
    const { ipam } = ipamOf('10.0.0.0/29')
    const low = { within: [range('10.0.0.0', '10.0.0.2')] }
    expect(ipam.allocate(low).map(formatAddress)).toEqual(['10.0.0.2'])
    expect(() => ipam.allocate(low)).toThrow('All addresses of 10.0.0.0-10.0.0.2 are in use')
    expect(() => ipam.allocate({ within: [range('10.0.0.7', '10.0.0.7')] })).toThrow('in use')
  })

  test('freed ones rest there too, unless nothing else is left', () => {
    const { ipam, clock } = ipamOf('10.0.0.0/24')
    const within = [range('10.0.0.100', '10.0.0.102')]
    const take = () => ipam.allocate({ within }).map(formatAddress)
    const first = ipam.allocate({ within })
    ipam.free(first)
    expect([take(), take(), take()]).toEqual([['10.0.0.101'], ['10.0.0.102'], ['10.0.0.100']])
    ipam.free([address('10.0.0.101')])
    ipam.free([address('10.0.0.9')])
    clock.now += COOLDOWN_MS
    expect(take()).toEqual(['10.0.0.101'])
  })

  test('together with an address', () => {
    const { ipam } = ipamOf('10.0.0.0/24')
    const within = [range('10.0.0.100', '10.0.0.102')]
    expect(() => ipam.allocate({ requested: [address('10.0.0.50')], within })).toThrow(
      'The address 10.0.0.50 asked for is in none of the ranges asked for',
    )
    const requested = [address('10.0.0.101')]
    expect(ipam.allocate({ requested, within })).toEqual(requested)
  })

  test.each([
    ['10.0.1.0', '10.0.1.9'],
    ['10.0.0.250', '10.0.1.3'],
    ['fd00::1', 'fd00::2'],
  ])('%s-%s is not of this node', (first, last) => {
    const { ipam } = ipamOf('10.0.0.0/24')
    expect(() => ipam.allocate({ within: [range(first, last)] })).toThrow(
      `The range ${first}-${last} asked for is not inside one of this node's ranges (10.0.0.0/24)`,
    )
    expect(ipam.usage()[0]?.used).toBe(0)
  })
})
