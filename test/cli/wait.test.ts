import { expect, test } from 'vitest'
import type { SourcePolicy } from '../../src/agent/source.ts'
import { report, serveReports } from './reports.ts'
import { sluice } from './sluice.ts'

function policy(generation: number): SourcePolicy {
  return { version: { uid: 'one', generation }, problems: [] }
}

/** Live at one generation more each time that somebody asks. */
function hurrying() {
  let generation = 0
  return () => {
    const version = { uid: 'one', generation: ++generation }
    return [report({ version, live: { version, since: new Date(0).toISOString() } })]
  }
}

test('until the kernel has come to what the source has', async () => {
  const policyNow = () => Promise.resolve(policy(4))
  const runDir = await serveReports({ policies: hurrying(), policyNow })
  expect(await sluice('wait', '--policy', 'shop/web', '--run-dir', runDir)).toEqual({
    code: 0,
    out: '',
    err: '',
  })
})

test('a version that is named needs no source', async () => {
  const policyNow = () => Promise.reject(new Error('Nobody should ask.'))
  const runDir = await serveReports({ policies: hurrying(), policyNow })
  const args = ['wait', '--policy', 'shop/web', '--version', '3', '--run-dir', runDir]
  expect(await sluice(...args)).toMatchObject({ code: 0, err: '' })
})

test('a source that does not answer is asked again', async () => {
  let asked = 0
  const policyNow = () =>
    ++asked === 1 ? Promise.reject(new Error('It is away.')) : Promise.resolve(policy(3))
  const runDir = await serveReports({ policies: () => [report()], policyNow })
  const args = ['wait', '--policy', 'shop/web', '--run-dir', runDir]
  expect(await sluice(...args, '--timeout', '0ms')).toEqual({
    code: 1,
    out: '',
    err: 'sluice: shop/web: not within 0 s: It is away.\n',
  })
  expect(await sluice(...args)).toMatchObject({ code: 0, err: '' })
})

test('a source that had another version when it was asked first is asked again', async () => {
  const versions = [policy(9), policy(3)]
  const policyNow = () => Promise.resolve(versions.shift() ?? policy(3))
  const runDir = await serveReports({ policies: () => [report()], policyNow })
  const args = ['wait', '--policy', 'shop/web', '--run-dir', runDir]
  expect(await sluice(...args)).toMatchObject({ code: 0, err: '' })
  expect(versions).toEqual([])
})

test.each([
  [[], "required option '--policy <namespace/name>' not specified"],
  [['--policy', 'web'], 'Name it as namespace/name.'],
  [['--policy', 'shop/web', '--timeout', 'soon'], 'Write it as 500ms, 30s or 2m.'],
  [['--policy', 'shop/web', '--version', '3', '--deleted'], 'cannot be used with'],
])('wrong usage: %j', async (args, said) => {
  const { code, err } = await sluice('wait', ...args)
  expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining(said) })
})
