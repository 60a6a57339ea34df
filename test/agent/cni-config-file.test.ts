import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { writeCniConfig } from '../../src/agent/cni-config-file.ts'

let directory: string

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sluice-net.d-'))
})

afterEach(() => {
  rmSync(directory, { recursive: true })
})

test('old runtimes read a version that they speak, new ones find the newest; capabilities are declared', async () => {
  const path = join(directory, 'net.d', '10-sluice.conflist')
  await writeCniConfig(path)
  await writeCniConfig(path)
  expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual({
    cniVersion: '1.0.0',
    cniVersions: ['1.0.0', '1.1.0'],
    name: 'sluice',
    plugins: [
      {
        type: 'sluice-cni',
        capabilities: { portMappings: true, bandwidth: true, ips: true, ipRanges: true, mac: true },
      },
    ],
  })
  expect(readdirSync(join(directory, 'net.d'))).toEqual(['10-sluice.conflist'])
  expect(statSync(path).mode & 0o777).toBe(0o644)
})
