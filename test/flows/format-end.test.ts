import { expect, test } from 'vitest'
import { formatEnd } from '../../src/flows/format-end.ts'

const POD = {
  kind: 'pod',
  address: 'fd00::2',
  namespace: 'shop',
  pod: 'db-0',
  workload: null,
} as const
const NODE = { kind: 'node', address: 'fd99::2', node: 'n2' } as const

test.each([
  [POD, 5432, 'shop/db-0:5432'],
  [POD, null, 'shop/db-0'],
  [NODE, 10250, 'node/n2:10250'],
  [{ kind: 'outside', address: '192.0.2.1' } as const, 53, '192.0.2.1:53'],
  [{ kind: 'outside', address: '2001:db8::1' } as const, 53, '[2001:db8::1]:53'],
  [{ kind: 'outside', address: '2001:db8::1' } as const, null, '2001:db8::1'],
])('%o, port %s: %s', (end, port, text) => {
  expect(formatEnd(end, port)).toBe(text)
})
