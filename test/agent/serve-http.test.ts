import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type HttpServer, json, serveHttp } from '../../src/agent/serve-http.ts'
import { askAgent, openAnswer } from '../../src/cli/ask-agent.ts'

let directory: string
let path: string
let server: HttpServer
let ended: PromiseWithResolvers<void>

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sluice-http-'))
  path = join(directory, 'agent.sock')
  ended = Promise.withResolvers()
  server = await serveHttp(
    { path },
    {
      '/echo': (query) => json(Object.fromEntries(query)),
      '/stream': () => ({
        contentType: 'application/x-ndjson',
        begin: (reader) => {
          reader.send('first\n')
          return ended.resolve
        },
      }),
    },
  )
})

afterEach(async () => {
  await server.close()
  await rm(directory, { recursive: true })
})

test('a route gets the query', async () => {
  expect(await askAgent(path, '/echo?a=1&b=x%2Fy')).toBe('{"a":"1","b":"x/y"}')
  expect(await askAgent(path, '/echo')).toBe('{}')
})

test('only its owner may use the socket', async () => {
  expect((await stat(path)).mode & 0o777).toBe(0o600)
})

test.each(['/nothing', '/constructor', '/echo/more'])('%s names the routes', async (wrong) => {
  await expect(askAgent(path, wrong)).rejects.toThrow('GET one of /echo, /stream.')
})

test('a stream is told when its reader has gone', async () => {
  const answer = await openAnswer(path, '/stream')
  const [first] = await answer.take(1).toArray()
  expect(String(first)).toBe('first\n')
  answer.destroy()
  await ended.promise
})

test('a stream ends with the server', async () => {
  const answer = await openAnswer(path, '/stream')
  await Promise.all([server.close(), expect(answer.toArray()).rejects.toThrow('aborted')])
  await ended.promise
})

test('no agent is a sentence', async () => {
  await expect(askAgent(join(directory, 'other.sock'), '/echo')).rejects.toThrow(
    /^No agent answers at .*other\.sock \(ENOENT\)\. Does it run, and with this --run-dir\?$/u,
  )
})
