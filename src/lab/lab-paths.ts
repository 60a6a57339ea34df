import { join } from 'node:path'

/** Where labs keep what they make. */
export interface LabRoots {
  /** A directory a lab; `/run/sluice-lab`. */
  readonly state: string
  /** Where `ip netns` looks for network namespaces; `/run/netns`. */
  readonly netns: string
  /** Where the kernel tells of processes; `/proc`. */
  readonly proc: string
}

export const LAB_ROOTS: LabRoots = { state: '/run/sluice-lab', netns: '/run/netns', proc: '/proc' }

/** What one lab makes. Paths of sockets stay short: the kernel takes 107 bytes. */
export interface LabPaths {
  readonly id: string
  readonly state: string
  /** JSON: whose lab it is. */
  readonly owner: string
  /** The directory that all agents watch. */
  readonly manifests: string
  readonly nodeRunDir: (index: number) => string
  /** All network namespaces of the lab begin so. */
  readonly netnsPrefix: string
  /** Path of the namespace of one thing: `link`, `outside`, `node-NAME`, `pod-NAMESPACE.NAME`. */
  readonly netns: (thing: string) => string
}

/** `id` is a word without hyphen. */
export function labPaths(roots: LabRoots, id: string): LabPaths {
  const state = join(roots.state, id)
  const netnsPrefix = `sluice-lab-${id}-`
  return {
    id,
    state,
    owner: join(state, 'owner.json'),
    manifests: join(state, 'manifests'),
    nodeRunDir: (index) => join(state, `node${index}`),
    netnsPrefix,
    netns: (thing) => join(roots.netns, `${netnsPrefix}${thing}`.slice(0, MAX_FILE_NAME)),
  }
}

/** The lab that a network namespace belongs to, by the name of its file; none or one. */
export function labIdOf(netnsFile: string): string[] {
  const id = /^sluice-lab-([^-]+)-/u.exec(netnsFile)?.[1]
  return id === undefined ? [] : [id]
}

/** NAME_MAX of Linux. Only a pod with names of the greatest length loses its last letters. */
const MAX_FILE_NAME = 255
