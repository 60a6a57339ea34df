import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { tmpdir } from 'node:os'
import { expect, onTestFinished, test, vi } from 'vitest'
import { openKubernetesSource } from '../../src/agent/kubernetes-source.ts'
import { createLog } from '../../src/agent/log.ts'
import { startServer } from '../cluster/kubernetes/followed.ts'
import { PODS } from '../cluster/kubernetes/objects.ts'

/** The log of a node, and what it has written. */
function logInMemory() {
  const lines: string[] = []
  const log = createLog('n1', { write: (line) => void lines.push(line) })
  return { log, records: () => lines.map((line) => JSON.parse(line)) }
}

test('a record names the node and the time', () => {
  const { log, records } = logInMemory()
  log.info({ event: 'agent.ready' }, 'all is well')
  expect(records()).toMatchObject([{ node: 'n1', event: 'agent.ready', msg: 'all is well' }])
  expect(records()[0].time).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
})

test('the failure of a source is one sentence, and its cause is told apart', async () => {
  const server = await startServer()
  server.fault = ({ path }) => (path === PODS ? { kind: 'status', code: 500 } : undefined)
  const directory = await mkdtemp(join(tmpdir(), 'sluice-log-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  const kubeconfig = join(directory, 'config')
  await writeFile(kubeconfig, configFor(server.url))
  const { log, records } = logInMemory()
  const tell = () => Promise.resolve()
  const source = openKubernetesSource({ kubeconfig, log, onNodes: () => undefined }, tell)
  onTestFinished(() => source.close())
  const failed = await vi.waitFor(() => {
    const found = records().find(({ event }) => event === 'source.failed')
    expect(found).toBeDefined()
    return found
  })
  const refusal = 'The API server refuses with 500: a fault of the test.'
  expect(failed.msg).toBe(`${PODS} cannot be followed: ${refusal}`)
  expect(failed.err.message).toBe(failed.msg)
  expect(failed.err.cause).toMatchObject({ type: 'ApiError', message: refusal })
})

function configFor(server: URL): string {
  return JSON.stringify({
    'current-context': 'x',
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    clusters: [{ name: 'c', cluster: { server } }],
    users: [{ name: 'u', user: { token: 'secret' } }],
  })
}
