import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type HttpServer, serveHttp } from '../../src/agent/serve-http.ts'
import { runCommandLine } from '../../src/cli/command-line.ts'
import type { Flow } from '../../src/flows/flow.ts'
import { flowTo } from '../flows/flow-to.ts'
import { sluice } from './sluice.ts'

/** An agent that answers what a test wants, and what it was asked. */
let directory: string
let server: HttpServer
let lines: readonly object[]
let asked: string[]
let goesOn: boolean

beforeEach(async () => {
  lines = []
  asked = []
  goesOn = false
  directory = await mkdtemp(join(tmpdir(), 'sluice-flows-'))
  const contentType = 'application/x-ndjson'
  server = await serveHttp(
    { path: join(directory, 'agent.sock') },
    {
      '/flows': (query) => {
        asked.push(query.toString())
        const body = lines.map((line) => `${JSON.stringify(line)}\n`).join('')
        if (!goesOn) return { status: 200, contentType, body }
        return {
          contentType,
          begin: (reader) => {
            reader.send(body)
            return () => undefined
          },
        }
      },
    },
  )
})

afterEach(async () => {
  await server.close()
  await rm(directory, { recursive: true })
})

function flows(...flags: string[]) {
  return sluice('flows', '--run-dir', directory, ...flags)
}

const NOON = new Date(2026, 5, 1, 12, 0, 0, 7).getTime()
const PLACED: Flow = {
  ...flowTo(5432, NOON),
  packets: 3,
  from: { kind: 'pod', address: '10.0.0.3', namespace: 'shop', pod: 'api-0', workload: null },
  rule: { policy: 'shop/db', path: 'spec.ingress[0]', file: 'db.yaml', line: 7 },
}

test('columns, one line a flow', async () => {
  const six = { kind: 'outside', address: '2001:db8::1' } as const
  lines = [
    { ...flowTo(80, NOON), protocol: 'ICMP', port: null },
    PLACED,
    { ...flowTo(80, NOON), from: six },
    { ...flowTo(80, NOON), protocol: 'ICMPv6', port: null, from: six },
  ]
  expect(await flows()).toEqual({
    code: 0,
    err: '',
    out: [
      'TIME          VERDICT  PACKETS  PROTOCOL  FROM              TO                    REASON',
      '12:00:00.007  deny     1        ICMP      203.0.113.1       shop/web-0            Because.',
      '12:00:00.007  deny     3        TCP       shop/api-0        shop/web-0:5432       Because. (db.yaml:7)',
      '12:00:00.007  deny     1        TCP/IPv6  2001:db8::1       shop/web-0:80         Because.',
      '12:00:00.007  deny     1        ICMPv6    2001:db8::1       shop/web-0            Because.',
      '',
    ].join('\n'),
  })
})

test('-o json is what the agent answers, a line a flow', async () => {
  lines = [PLACED]
  expect((await flows('-o', 'json')).out).toBe(`${JSON.stringify(PLACED)}\n`)
})

test.each([
  [[], ''],
  [['--pod', 'shop/web-0', '-n', 'shop'], 'pod=shop%2Fweb-0&namespace=shop'],
  [['--verdict', 'deny', '--port', '80', '--last', '5'], 'verdict=deny&port=80&last=5'],
])('%o asks for %s', async (flags, query) => {
  await flows(...flags)
  expect(asked).toEqual([query])
})

test.each([
  [['-f'], 'follow=1'],
  [['--allowed'], 'follow=1&allowed=1'],
  [['--allowed', '--sample', '100'], 'follow=1&allowed=100'],
])('%o asks for %s', async (flags, query) => {
  await flows(...flags)
  expect(asked).toEqual([query])
})

test('colour only on a screen', async () => {
  lines = [PLACED]
  expect((await flows()).out).not.toContain('\u001b')
  let out = ''
  const screen = { out: (text: string) => (out += text), err: () => undefined, colour: true }
  await runCommandLine(['flows', '--run-dir', directory], screen)
  expect(out).toContain('\u001b[31mdeny')
})

test('nothing recorded is a line for a person, and nothing for a machine', async () => {
  expect(await flows()).toEqual({ code: 0, out: '', err: 'No such flows are recorded.\n' })
  expect(await flows('-o', 'json')).toEqual({ code: 0, out: '', err: '' })
})

test('flows that were left out are told beside the others', async () => {
  lines = [{ skipped: 4 }, PLACED]
  const { out, err } = await flows('-o', 'json')
  expect(out).toBe(`${JSON.stringify(PLACED)}\n`)
  expect(err).toBe('4 flows are left out: they came faster than they were read.\n')
})

test('following ends with the agent, which is a failure', async () => {
  goesOn = true
  lines = [PLACED]
  let out = ''
  let err = ''
  const code = await runCommandLine(['flows', '-f', '-o', 'json', '--run-dir', directory], {
    out: (text) => {
      out += text
      void server.close()
    },
    err: (text) => (err += text),
    colour: false,
  })
  expect([code, out, err]).toEqual([
    1,
    `${JSON.stringify(PLACED)}\n`,
    'sluice: The agent has ended, or has closed the connection.\n',
  ])
})

test('following ends when nobody reads any more, which is none', async () => {
  goesOn = true
  lines = [PLACED]
  const gone = new AbortController()
  const code = await runCommandLine(['flows', '-f', '--run-dir', directory], {
    out: () => gone.abort(),
    err: () => undefined,
    colour: false,
    gone: gone.signal,
  })
  expect(code).toBe(0)
})

test('no agent is a sentence with a remedy, wrong values are wrong usage', async () => {
  const away = await sluice('flows', '--run-dir', join(directory, 'nowhere'))
  expect(away.code).toBe(1)
  expect(away.err).toContain('Does it run, and with this --run-dir?')
  expect((await flows('--port', 'http')).code).toBe(2)
  expect((await flows('--verdict', 'drop')).code).toBe(2)
})

test('who may not talk to the agent is told to become root', async () => {
  const path = join(directory, 'agent.sock')
  // The socket's own mode is what keeps them out.
  await chmod(directory, 0o755)
  const told = await asOrdinaryUser(path, () => flows())
  expect(told).toEqual({
    code: 1,
    out: '',
    err: expect.stringContaining(`You may not talk to ${path}; run this as root.`),
  })
  expect(asked).toEqual([])
})

/** `nobody`, for whom files are as for anyone; without root, somebody whose socket it is not. */
async function asOrdinaryUser<T>(socketPath: string, act: () => Promise<T>): Promise<T> {
  if (process.geteuid?.() !== 0) {
    await chmod(socketPath, 0o000)
    return act()
  }
  process.seteuid?.(65_534)
  try {
    return await act()
  } finally {
    process.seteuid?.(0)
  }
}
