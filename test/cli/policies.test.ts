import { expect, test } from 'vitest'
import { report, serveReports } from './reports.ts'
import { sluice } from './sluice.ts'

const ago = (seconds: number): string => new Date(Date.now() - seconds * 1000).toISOString()
const version = (generation: number) => ({ uid: 'one', generation })

const ALL = [
  report({ namespace: 'bank', name: 'vault', live: { version: version(3), since: ago(7) } }),
  report({
    name: 'api',
    version: version(4),
    state: 'accepted',
    commitRefused: 'The kernel says no',
  }),
  report({ name: 'db', live: { version: version(3), since: ago(200_000) } }),
  report({ name: 'old', state: 'leaving', version: null, pods: 0 }),
  report({
    name: 'web',
    state: 'refused',
    live: null,
    refused: { problems: ['spec.a: wrong', 'spec.b: wrong'], inForce: 'salvage' },
  }),
]

/** Ages of what became live long ago change while tests run for years. */
function withoutAges(text: string): string {
  return text.replaceAll(/ \d{2,}d/g, ' AGE')
}

test('of one namespace, as kubectl lists things', async () => {
  const runDir = await serveReports({ policies: () => ALL })
  const { out } = await sluice('policies', '-n', 'shop', '--run-dir', runDir)
  expect(withoutAges(out).replaceAll(/ +/g, ' ').split('\n')).toEqual([
    'NAME STATE VERSION PODS LIVE SINCE REASON',
    'api accepted 4 1 3 AGE The kernel says no',
    'db live 3 1 3 2d',
    'old leaving - 0 3 AGE',
    'web refused 3 1 - - spec.a: wrong; spec.b: wrong (in force: salvage)',
    '',
  ])
  expect((await sluice('policies', '-n', 'bank', '--run-dir', runDir)).out).toBe(
    'NAME    STATE   VERSION   PODS   LIVE   SINCE   REASON\n' +
      'vault   live    3         1      3      7s\n',
  )
})

test('of all namespaces, and for machines', async () => {
  const runDir = await serveReports({ policies: () => ALL })
  const { out } = await sluice('policies', '-A', '--run-dir', runDir)
  expect(out.split('\n').map((line) => line.split(' ')[0])).toEqual([
    'NAMESPACE',
    'bank',
    'shop',
    'shop',
    'shop',
    'shop',
    '',
  ])
  const listed: unknown = JSON.parse(
    (await sluice('policies', '-n', 'shop', '-o', 'json', '--run-dir', runDir)).out,
  )
  expect(listed).toEqual(ALL.slice(1))
})

test('none', async () => {
  const runDir = await serveReports({})
  expect(await sluice('policies', '--run-dir', runDir)).toEqual({
    code: 0,
    out: '',
    err: 'No policies in namespace default.\n',
  })
  expect(await sluice('policies', '-A', '-o', 'json', '--run-dir', runDir)).toMatchObject({
    out: '[]\n',
  })
})

test('where no agent is', async () => {
  const { code, err } = await sluice('policies', '--run-dir', '/nowhere')
  expect({ code, err }).toEqual({
    code: 1,
    err: 'sluice: No agent answers at /nowhere/agent.sock (ENOENT). Does it run, and with this --run-dir?\n',
  })
})
