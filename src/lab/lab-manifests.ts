import * as fs from 'node:fs/promises'
import { readManifestFiles } from '../cluster/files.ts'
import { type Manifests, readManifests } from '../cluster/manifests.ts'
import { nodeNames } from './schedule.ts'

export interface LabManifests {
  readonly manifests: Manifests
  /** Names of the nodes that they need; `count` at least. */
  readonly nodes: readonly string[]
}

/** Reads a directory of manifests for a lab with this many nodes. Throws when it cannot be read. */
export async function readLabManifests(directory: string, count: number): Promise<LabManifests> {
  const files = await readManifestFiles(directory, fs)
  // Which nodes pods ask for is known first; a DaemonSet then has a pod on each.
  const nodes = nodeNames(readManifests(files, { nodes: [] }).pods, count)
  return { manifests: readManifests(files, { nodes }), nodes }
}
