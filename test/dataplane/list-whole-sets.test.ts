import { expect, test } from 'vitest'
import { incompleteSets } from '../../src/dataplane/list-whole-sets.ts'
import { set } from '../../src/nftables/set.ts'

const short = set('short', ['ipv4_addr'])
const whole = set('whole', ['ipv4_addr'])
const intervals = set('intervals', ['ipv4_addr'], { flags: ['interval'] })
const passing = set('passing', ['ipv4_addr'], { flags: ['timeout'] })
const elements = [{ key: 1 }, { key: 2 }]
const listed = new Map([short, whole, intervals, passing].map((one) => [one, elements]))

test('a set of which the kernel counts more than it lists is listed again', () => {
  const counted = [
    { set: 'short', count: 3 },
    { set: 'whole', count: 2 },
    { set: 'intervals', count: 4 },
    { set: 'passing', count: 3 },
  ]
  expect(incompleteSets(listed, counted)).toEqual([short])
})

test('a kernel that does not count is believed', () => {
  expect(incompleteSets(listed, [{ set: 'short', count: undefined }])).toEqual([])
})
