import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const MODULE = join(import.meta.dirname, '..', '..', 'src', 'agent', 'spare-memory.ts')

/** Holds much, lets go of it, and ends when that has been given back: how many MiB. */
const SCRIPT = `
  import { spareMemory } from ${JSON.stringify(MODULE)}
  const rssMiB = () => process.memoryUsage.rss() / 2 ** 20
  let held = Array.from({ length: 400_000 }, (_, index) => ({ text: 'number ' + index }))
  const heldMiB = rssMiB()
  held = undefined
  spareMemory()
  const timer = setInterval(() => {
    if (heldMiB - rssMiB() < 20) return
    clearInterval(timer)
    console.log(Math.round(heldMiB - rssMiB()))
  }, 20)
`

test('a process at rest gives back what it no longer uses', () => {
  // Not 8 s, so that the test is short. Without `spareMemory` it takes 100 s either way.
  const flags = ['--gc-memory-reducer-start-delay-ms=100', '--input-type=module']
  const output = execFileSync(process.execPath, [...flags, '--eval', SCRIPT], {
    encoding: 'utf8',
    timeout: 10_000,
  })
  expect(Number(output)).toBeGreaterThanOrEqual(20)
})
