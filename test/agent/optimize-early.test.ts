import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const MODULE = join(import.meta.dirname, '..', '..', 'src', 'agent', 'optimize-early.ts')

/** Tells after how many calls, in fifties, V8 has optimized a function. */
const SCRIPT = `
  import { optimizeEarly } from ${JSON.stringify(MODULE)}
  if (process.argv[1] === 'early') optimizeEarly()
  const parts = ({ text, number }) => [text.length, number + 1]
  function callFifty() {
    for (let call = 0; call < 50; call++) parts({ text: 'a', number: call })
  }
  // It would take the other in.
  %NeverOptimizeFunction(callFifty)
  let fifties = 0
  while ((%GetOptimizationStatus(parts) & 16) === 0) {
    fifties++
    callFifty()
  }
  console.log(fifties)
`

function callsOf(how: string): number {
  // Compiled at once, not on another thread, and so by the next call.
  const flags = ['--allow-natives-syntax', '--no-concurrent-recompilation', '--input-type=module']
  const output = execFileSync(process.execPath, [...flags, '--eval', SCRIPT, how], {
    encoding: 'utf8',
    timeout: 10_000,
  })
  return 50 * Number(output)
}

test('V8 optimizes what is called a hundred times', () => {
  expect(callsOf('early')).toBeLessThanOrEqual(200)
  expect(callsOf('as V8 does')).toBeGreaterThan(400)
})
