import { spawn } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as v from 'valibot'
import type { LabPaths } from './lab-paths.ts'
import { Place } from './place.ts'
import type { Service } from './place-messages.ts'

/** What a place answers at. */
export interface PlaceServices {
  readonly name: string
  /** Path of its network namespace. */
  readonly netns: string
  readonly services: readonly Service[]
}

/** Hands the services of a lab to a process of their own (`sluice lab answer`), which outlives this one. */
export async function keepServices(
  paths: LabPaths,
  places: readonly PlaceServices[],
  sluice: readonly string[],
): Promise<void> {
  const [program = '', ...first] = sluice
  await writeFile(servicesFile(paths.state), JSON.stringify(places))
  const child = spawn(program, [...first, 'lab', 'answer', '--run-dir', paths.state], {
    stdio: 'ignore',
    detached: true,
  })
  child.unref()
}

/** The work of that process: answers until it is killed. */
export async function answerForKept(runDir: string): Promise<void> {
  const text = await readFile(servicesFile(runDir), 'utf8')
  const places = v.parse(placesSchema, JSON.parse(text))
  await Promise.all(
    places.map(({ name, netns, services }) => new Place({ name, netns }).listen(services)),
  )
}

function servicesFile(runDir: string): string {
  return join(runDir, 'services.json')
}

const placesSchema = v.array(
  v.object({
    name: v.string(),
    netns: v.string(),
    services: v.array(
      v.object({
        protocol: v.picklist(['TCP', 'UDP', 'SCTP']),
        address: v.string(),
        port: v.number(),
      }),
    ),
  }),
)
