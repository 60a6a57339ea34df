// A CNI plugin that notes how it was called, one file a call:  node recorder.ts DIRECTORY
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as v from 'valibot'

const [directory = ''] = process.argv.slice(2)
const stdin = readFileSync(0, 'utf8')
const environment = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => name.startsWith('CNI_')),
)
const configuration = v.parse(
  v.looseObject({ cniVersion: v.string(), prevResult: v.optional(v.unknown()) }),
  JSON.parse(stdin),
)

mkdirSync(directory, { recursive: true })
const name = `${process.hrtime.bigint()}`.padStart(20, '0')
// Whoever reads the directory must not meet a file half written.
const recording = JSON.stringify({ environment, configuration })
writeFileSync(join(directory, `.${name}`), `${recording}\n`)
renameSync(join(directory, `.${name}`), join(directory, name))

const { cniVersion, prevResult } = configuration
const ANSWERS: Readonly<Record<string, unknown>> = {
  ADD: prevResult ?? {
    cniVersion,
    interfaces: [{ name: 'eth0', mac: '02:00:00:00:00:01', sandbox: environment['CNI_NETNS'] }],
    ips: [
      { ...(cniVersion < '1' ? { version: '4' } : {}), address: '192.0.2.99/32', interface: 0 },
    ],
  },
  VERSION: { cniVersion, supportedVersions: ['0.3.1', '0.4.0', '1.0.0', '1.1.0'] },
}
const answer = ANSWERS[environment['CNI_COMMAND'] ?? '']
if (answer !== undefined) console.log(JSON.stringify(answer))
