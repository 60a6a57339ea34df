import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pino from 'pino'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { followCniConfig } from '../../src/agent/follow-cni-config.ts'

const FLANNEL = {
  name: 'cbr0',
  cniVersion: '0.3.1',
  plugins: [
    { type: 'flannel', delegate: { hairpinMode: true, isDefaultGateway: true } },
    { type: 'portmap', capabilities: { portMappings: true } },
  ],
}

let directory: string
let path: string
let warnings: string[]
let look: () => Promise<void>
let close: () => void

beforeEach(() => {
  directory = fs.mkdtempSync(join(tmpdir(), 'sluice-net.d-'))
  path = join(directory, '00-sluice.conflist')
  warnings = []
})

afterEach(() => {
  close()
  fs.rmSync(directory, { recursive: true })
})

async function follow(): Promise<void> {
  const write = (line: string): void => void warnings.push(JSON.parse(line).msg)
  const start = (callback: () => Promise<void>): { stop: () => void } => {
    look = callback
    return { stop: () => undefined }
  }
  const log = pino({}, { write })
  ;({ close } = await followCniConfig({ path, files: fs.promises, log, setInterval: start }))
}

function put(name: string, content: object): void {
  fs.writeFileSync(join(directory, name), JSON.stringify(content))
}

function written(): unknown {
  return fs.existsSync(path) ? JSON.parse(fs.readFileSync(path, 'utf8')) : undefined
}

test('Flannel’s list gets us behind its plugins, and stays as it is', async () => {
  put('10-flannel.conflist', FLANNEL)
  put('20-other.conflist', { ...FLANNEL, name: 'later' })
  await follow()
  expect(written()).toEqual({ ...FLANNEL, plugins: [...FLANNEL.plugins, { type: 'sluice-cni' }] })
  expect(JSON.parse(fs.readFileSync(join(directory, '10-flannel.conflist'), 'utf8'))).toEqual(
    FLANNEL,
  )
  expect(fs.readdirSync(directory)).toHaveLength(3)
})

test('a configuration of one plugin becomes a list', async () => {
  put('10-net.conf', { cniVersion: '1.0.0', name: 'net', type: 'ptp', mtu: 1400 })
  await follow()
  expect(written()).toEqual({
    cniVersion: '1.0.0',
    name: 'net',
    plugins: [{ type: 'ptp', mtu: 1400 }, { type: 'sluice-cni' }],
  })
})

test('one that comes late is waited for, and one that changes is followed', async () => {
  await follow()
  expect(warnings).toEqual([expect.stringContaining('it is waited for')])
  put('10-flannel.conflist', FLANNEL)
  await look()
  expect(written()).toMatchObject({ name: 'cbr0' })
  put('10-flannel.conflist', { ...FLANNEL, cniVersion: '1.0.0' })
  await look()
  expect(written()).toMatchObject({ cniVersion: '1.0.0' })
  expect(warnings).toHaveLength(1)
})

test.each([
  ['a name that comes later', '00-first.conflist', FLANNEL, 'give --cni-config a name before it'],
  ['what is no configuration', '10-net.conflist', { name: 'x' }, 'it has no plugins'],
])('%s is told, once, and nothing is written', async (_, name, content, words) => {
  put(name, content)
  await follow()
  await look()
  expect(warnings).toEqual([expect.stringContaining(words)])
  expect(written()).toBeUndefined()
})

test('a list that names us already is left alone', async () => {
  put('10-mine.conflist', { ...FLANNEL, plugins: [...FLANNEL.plugins, { type: 'sluice-cni' }] })
  await follow()
  expect([written(), warnings]).toEqual([undefined, []])
})
