import { expect, test } from 'vitest'
import { eachOnce } from '../../src/nftables/each-once.ts'

test('an element that the kernel lists twice is one', () => {
  const one = { key: 1, data: 16 }
  const two = { key: [1, 16], data: 7 }
  const other = { key: [1, 17], data: 7 }
  expect(eachOnce([one, two, { ...one }, other, { ...two }])).toEqual([one, two, other])
})
