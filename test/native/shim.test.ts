import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { agentCases } from './shim-agent-cases.ts'
import { awayCases } from './shim-away-cases.ts'
import { withShim } from './shim.ts'

const BINARY = new URL('../../native/build/sluice-cni', import.meta.url).pathname

describe.each([
  ['sluice-cni', agentCases],
  ['sluice-cni with the agent away', awayCases],
])('%s', (_, cases) => {
  test.each(cases)('$name', ({ run }) => withShim(BINARY, run))
})

test('sluice-cni is static and small, for it is started at every CNI call', () => {
  const binary = readFileSync(BINARY)
  // A dynamic program names its loader, in full.
  expect(binary.includes('/ld-')).toBe(false)
  expect(binary.length).toBeLessThan(64 * 1024)
})
