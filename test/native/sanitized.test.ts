import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, test } from 'vitest'
import { agentCases } from './shim-agent-cases.ts'
import { awayCases } from './shim-away-cases.ts'
import { withShim } from './shim.ts'

const NATIVE = new URL('../../native', import.meta.url).pathname
const BINARY = `${NATIVE}/build/test/sluice-cni`

let report: string

beforeAll(async () => {
  const { stdout } = await promisify(execFile)('make', ['-C', NATIVE, 'test'])
  report = stdout
}, 120_000)

test('the addon and the parts of both programs pass under the sanitizers', () => {
  const good = report.split('\n').filter((line) => line.includes(': good'))
  expect(good.map((line) => line.split(':')[0])).toEqual([
    'watch',
    'namespace',
    'cni',
    'shim',
    'addon',
  ])
})

describe('sluice-cni under the sanitizers', () => {
  test.each([...agentCases, ...awayCases])('$name', ({ run }) => withShim(BINARY, run))

  test('an agent that says nothing, or one byte at a time for ever, is given up', () =>
    withShim(BINARY, async ({ call, serve }) => {
      const timers: NodeJS.Timeout[] = []
      await serve((client, request) => {
        if (!request.includes('dripping')) return
        client.write('SLC1\0\0\0\0\0\0\x10\0')
        timers.push(setInterval(() => client.write('.'), 20))
      })
      for (const CNI_ARGS of ['silent', 'dripping']) {
        const outcome = await call({ CNI_COMMAND: 'ADD', CNI_ARGS })
        expect(JSON.parse(outcome.stdout)).toMatchObject({ code: 11 })
      }
      for (const timer of timers) clearInterval(timer)
    }))
})
