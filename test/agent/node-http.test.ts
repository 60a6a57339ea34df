import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const UNDICI = 'NativeModule internal/deps/undici/undici'

/** Which of Node's own modules a process has loaded once it has imported this. */
function loadedBy(specifier: string): string[] {
  const script = `await import(${JSON.stringify(specifier)}); console.log(JSON.stringify(process.moduleLoadList))`
  const output = execFileSync(process.execPath, ['--input-type=module', '--eval', script], {
    encoding: 'utf8',
  })
  return JSON.parse(output)
}

test('an agent does not load the second HTTP client of Node, as an import of node:http would', () => {
  const agent = join(import.meta.dirname, '..', '..', 'src', 'agent.ts')
  expect(loadedBy(agent)).not.toContain(UNDICI)
  // Once this no longer loads it, src/agent/node-http.ts has no purpose.
  expect(loadedBy('node:http')).toContain(UNDICI)
})
