import { expect, test } from 'vitest'
import { vtepMac } from '../../../src/pods/nodes/vtep-mac.ts'

test('is the same on every node and for every version: nodes of two versions must agree', () => {
  expect(vtepMac('node-a')).toBe('66:57:0f:f0:5a:20')
  expect(vtepMac('node-b')).toBe('92:ef:37:c6:15:71')
})

test('is locally administered, of one receiver, and different for different names', () => {
  const macs = Array.from({ length: 5000 }, (_, place) => vtepMac(`node-${place}`))
  for (const mac of macs) expect(Number.parseInt(mac.slice(0, 2), 16) & 3).toBe(2)
  expect(new Set(macs).size).toBe(5000)
})
