import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { LabPaths, LabRoots } from './lab-paths.ts'

/** Who may remove a lab: its process while it lives, `sluice lab down` or the next lab after that. */
export interface Owner {
  readonly pid: number
  /** Start of the process as /proc/PID/stat has it (proc(5), field 22): a pid alone comes back. */
  readonly startedAt: string
  /** Whether it shall outlive its process. */
  readonly kept: boolean
}

/** Makes the state directory of a lab. From the first moment it has an owner. */
export async function claimLab(roots: LabRoots, paths: LabPaths, pid: number): Promise<void> {
  // Not a lab until it is renamed; `labIds` passes over names with a dot.
  const draft = join(roots.state, `.${paths.id}`)
  await mkdir(draft, { recursive: true, mode: 0o755 })
  const startedAt = (await startOf(roots, pid)) ?? ''
  await writeOwner(join(draft, 'owner.json'), { pid, startedAt, kept: false })
  await mkdir(join(draft, 'manifests'))
  await rename(draft, paths.state)
}

/** Lets the lab outlive its process. */
export async function keepLab(paths: LabPaths): Promise<void> {
  const owner = await readOwner(paths)
  if (owner === undefined) throw new Error(`The lab ${paths.id} is gone already.`)
  await writeOwner(paths.owner, { ...owner, kept: true })
}

export type LabState = 'running' | 'kept' | 'abandoned'

/** Whether somebody still cares for the lab. */
export async function stateOf(roots: LabRoots, paths: LabPaths): Promise<LabState> {
  const owner = await readOwner(paths)
  if (owner === undefined) return 'abandoned'
  const started = await startOf(roots, owner.pid)
  if (started !== undefined && started === owner.startedAt) return 'running'
  return owner.kept ? 'kept' : 'abandoned'
}

async function writeOwner(path: string, owner: Owner): Promise<void> {
  await writeFile(`${path}.new`, JSON.stringify(owner))
  await rename(`${path}.new`, path)
}

async function readOwner(paths: LabPaths): Promise<Owner | undefined> {
  const text = await readFile(paths.owner, 'utf8').catch(() => '')
  try {
    const { pid, startedAt, kept }: Partial<Record<keyof Owner, unknown>> = JSON.parse(text)
    if (typeof pid !== 'number' || typeof startedAt !== 'string') return undefined
    return { pid, startedAt, kept: kept === true }
  } catch {
    return undefined
  }
}

/** `undefined` when there is no such process. */
async function startOf(roots: LabRoots, pid: number): Promise<string | undefined> {
  const stat = await readFile(join(roots.proc, `${pid}`, 'stat'), 'utf8').catch(() => undefined)
  // The second field, the program's name in brackets, may hold anything.
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[
    START_TIME_FIELD - FIRST_FIELD_AFTER_NAME
  ]
}

const START_TIME_FIELD = 22
const FIRST_FIELD_AFTER_NAME = 3
