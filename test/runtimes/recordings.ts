import { join } from 'node:path'
import * as v from 'valibot'
import type { Machine } from '../real-cluster/machine.ts'

/** One call of a plugin. */
export interface Recording {
  /** `CNI_…` */
  readonly environment: Readonly<Record<string, string>>
  /** What came on stdin. */
  readonly configuration: Readonly<Record<string, unknown>>
}

/** Gives the machine the plugin `recorder`. */
export async function installRecorder(machine: Machine): Promise<void> {
  const recorder = join(import.meta.dirname, 'recorder.ts')
  const script = `#!/bin/sh\nexec ${process.execPath} ${recorder} ${DIRECTORY}\n`
  await machine.write('/opt/cni/bin/recorder', script, 0o755)
}

/** Takes what was recorded since the last time, oldest first. */
export async function takeRecordings(machine: Machine): Promise<Recording[]> {
  const files = `ls ${DIRECTORY}/* | xargs -r cat --`
  const text = await machine.run(['sh', '-c', `[ ! -d ${DIRECTORY} ] || { ${files}; }`])
  await machine.run(['rm', '-rf', DIRECTORY])
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => v.parse(recording, JSON.parse(line)))
}

const DIRECTORY = '/run/recorded'

const recording = v.object({
  environment: v.record(v.string(), v.string()),
  configuration: v.record(v.string(), v.unknown()),
})
