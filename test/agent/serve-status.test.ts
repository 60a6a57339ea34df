import { once } from 'node:events'
import { request } from 'node:http'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { report, serveReports } from '../cli/reports.ts'

function get(runDirectory: string, path: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const socketPath = join(runDirectory, 'agent.sock')
    const asked = request({ socketPath, path, agent: false }, async (response) => {
      const body = Buffer.concat(await response.toArray()).toString()
      resolve({ status: response.statusCode ?? 0, body })
    })
    asked.on('error', reject)
    asked.end()
  })
}

test('policies, all or one', async () => {
  const policies = (key?: string) => (key === 'shop/none' ? [] : [report()])
  const runDir = await serveReports({ policies })
  const answer = { status: 200, body: JSON.stringify([report()]) }
  expect(await get(runDir, '/policies')).toEqual(answer)
  expect(await get(runDir, '/policies?policy=shop%2Fweb')).toEqual(answer)
  expect(await get(runDir, '/policies?policy=shop/none')).toEqual({ status: 200, body: '[]' })
  expect(await get(runDir, '/policies?policy=web')).toEqual({
    status: 400,
    body: 'Name the policy: ?policy=namespace/name.\n',
  })
})

test('ten thousand policies hold up nobody', async () => {
  const names = Array.from({ length: 10_000 }, (_, place) => `policy-${place}`)
  let turns = 0
  let turnsMeanwhile = 0
  function* policies() {
    const before = turns
    for (const name of names) yield report({ name })
    turnsMeanwhile = turns - before
  }
  const runDir = await serveReports({ policies })
  const count = (): void => {
    turns += 1
    timer = setImmediate(count)
  }
  let timer = setImmediate(count)
  const { body } = await get(runDir, '/policies')
  clearImmediate(timer)
  const listed: readonly { name: string }[] = JSON.parse(body)
  expect(listed.map(({ name }) => name)).toEqual(names)
  expect(turnsMeanwhile).toBeGreaterThanOrEqual(19)
})

test('what the source has now', async () => {
  const version = { uid: 'one', generation: 3 }
  const runDir = await serveReports({
    policyNow: (key) => {
      if (key === 'shop/web') return Promise.resolve({ version, problems: [] })
      if (key === 'shop/none') return Promise.resolve(undefined)
      return Promise.reject(new Error('The API server is away.'))
    },
  })
  expect(await get(runDir, '/source/policy?policy=shop/web')).toEqual({
    status: 200,
    body: JSON.stringify({ version, problems: [] }),
  })
  expect(await get(runDir, '/source/policy?policy=shop/none')).toMatchObject({ status: 404 })
  expect(await get(runDir, '/source/policy?policy=shop/other')).toEqual({
    status: 502,
    body: 'The API server is away.\n',
  })
  expect(await get(runDir, '/source/policy')).toMatchObject({ status: 400 })
})

test('the port of localhost answers only what costs the source nothing', async () => {
  const httpPort = await freePort()
  await serveReports({ policies: () => [report()], httpPort })
  const statuses = await Promise.all(
    ['/healthz', '/readyz', '/metrics', '/policies', '/status', '/source/policy?policy=a/b'].map(
      async (path) => (await fetch(`http://127.0.0.1:${httpPort}${path}`)).status,
    ),
  )
  expect(statuses).toEqual([200, 200, 200, 200, 404, 404])
})

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const place = server.address()
  server.close()
  await once(server, 'close')
  if (place === null || typeof place === 'string') throw new Error('The server had no port.')
  return place.port
}

test('nothing else', async () => {
  const runDir = await serveReports({})
  expect(await get(runDir, '/other')).toMatchObject({ status: 404 })
  expect(await get(runDir, '/toString')).toMatchObject({ status: 404 })
})
