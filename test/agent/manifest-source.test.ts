import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { createLog } from '../../src/agent/log.ts'
import { openManifestSource } from '../../src/agent/manifest-source.ts'
import { temporaryDirectory } from '../cluster/temporary-directory.ts'

function policy(name: string, spec: object): string {
  const metadata = { namespace: 'shop', name }
  const object = { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata, spec }
  return `---\n${JSON.stringify(object)}\n`
}

const WEB = policy('web', { podSelector: {} })

async function open(directory: string) {
  const log = createLog('n1', { write: () => {} })
  const source = openManifestSource({ directory, node: 'n1', log }, () => Promise.resolve())
  onTestFinished(() => source.close())
  await source.synced
  return source
}

test('a policy as the files have it now', async () => {
  const directory = temporaryDirectory({ 'a.yaml': WEB })
  const { policyNow } = await open(directory)
  const before = await policyNow('shop/web')
  expect(before).toEqual({ version: { digest: expect.any(String) }, problems: [] })
  expect(await policyNow('shop/other')).toBeUndefined()

  writeFileSync(join(directory, 'a.yaml'), policy('web', { podSelector: {}, ingress: [] }))
  const after = await policyNow('shop/web')
  expect(after?.version).not.toEqual(before?.version)
  renameSync(join(directory, 'a.yaml'), join(directory, 'b.yaml'))
  expect(await policyNow('shop/web')).toEqual(after)

  writeFileSync(join(directory, 'b.yaml'), policy('web', { podSelector: {}, ingres: [] }))
  expect(await policyNow('shop/web')).toMatchObject({
    problems: ['spec.ingres: is not a field of this object; did you mean ingress?'],
  })
  rmSync(join(directory, 'b.yaml'))
  expect(await policyNow('shop/web')).toBeUndefined()
})

test('what a broken file meant is not taken from its last reading', async () => {
  const directory = temporaryDirectory({ 'a.yaml': WEB })
  const { policyNow } = await open(directory)
  writeFileSync(join(directory, 'a.yaml'), Uint8Array.of(0xff))
  expect(await policyNow('shop/web')).toBeUndefined()
})

test('a directory that cannot be read is no empty one', async () => {
  const directory = temporaryDirectory({ 'a.yaml': WEB })
  const { policyNow } = await open(directory)
  rmSync(directory, { recursive: true })
  await expect(policyNow('shop/web')).rejects.toThrow(`The manifest directory ${directory} cannot`)
})
