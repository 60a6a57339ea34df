import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import * as v from 'valibot'
import { removeLeftovers } from './leftovers.ts'
import { placesOf } from './places.ts'

test('a machine whose owner is killed leaves no process, and what it leaves can be removed', async () => {
  // Beside the cluster's own directory, on a disk.
  const directory = await mkdtemp(`${placesOf(process.env).directory}-`)
  const places = { ...placesOf(process.env), directory, cgroup: 'sluice-abandoned' }
  onTestFinished(() => removeLeftovers(places))
  const script = join(import.meta.dirname, 'abandoned-machine.ts')
  const owner = spawn(process.execPath, [script, directory, places.cgroup])
  onTestFinished(() => void owner.kill('SIGKILL'))
  const [line]: unknown[] = await once(owner.stdout, 'data')
  const processes = v.parse(v.array(v.string()), JSON.parse(String(line)))
  expect(processes.length).toBeGreaterThanOrEqual(2)

  owner.kill('SIGKILL')
  const left = () => processes.filter((pid) => existsSync(`/proc/${pid}`))
  await expect.poll(left, { timeout: 10_000 }).toEqual([])
  expect(await readFile('/proc/self/mountinfo', 'utf8')).not.toContain(directory)
  await removeLeftovers(places)
  expect(existsSync(directory)).toBe(false)
  expect(existsSync('/sys/fs/cgroup/cpu/sluice-abandoned')).toBe(false)
})
