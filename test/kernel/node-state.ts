import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { LabNode } from '../../src/lab/lab-node.ts'
import { run } from './node-kernel.ts'

/** All that a pod may leave behind on its node, as other programs than ours see it. */
export interface NodeState {
  readonly links: readonly string[]
  readonly addresses: readonly string[]
  readonly routes: readonly string[]
  readonly neighbours: readonly string[]
  readonly qdiscs: readonly string[]
  /** `SET: KEY`, for the keys that name an address or an interface; of other elements how many a set has. */
  readonly elements: readonly string[]
  /** Names of record files of pods that have not been released, and of files that are no record. */
  readonly records: readonly string[]
  readonly queuedDeletions: readonly string[]
}

export function nodeState({ netns, runDir }: Pick<LabNode, 'netns' | 'runDir'>): NodeState {
  const printed = run(netns, 'sh', '-ec', LISTING).trimEnd().split('\n')
  const ruleset = printed.pop() ?? ''
  const [links = [], addresses = [], routes = [], neighbours = [], qdiscs = []] =
    printed.map(readList)
  return {
    links: links.map(({ ifname, flags = [] }) => `${ifname} ${flags.join()}`).toSorted(),
    addresses: addresses
      .flatMap(({ ifname, addr_info = [] }) => addr_info.map(({ local }) => `${ifname} ${local}`))
      .toSorted(),
    routes: routes.map(routeName).toSorted(),
    neighbours: neighbours
      .filter(({ state }) => state?.includes('PERMANENT'))
      .map(({ dst, dev }) => `${dst} ${dev}`)
      .toSorted(),
    qdiscs: qdiscs.map(({ dev, kind }) => `${dev} ${kind}`).toSorted(),
    elements: elementsOf(ruleset),
    records: recordsIn(join(runDir, 'pods')),
    queuedDeletions: namesIn(join(runDir, 'del')),
  }
}

/** Prints a line for each list, routes of both families in one. Few processes: some tests look some hundred times. */
const LISTING = `
  printf '%s\\n' link address 'route show table all' neighbour | ip -j -batch -
  tc -j qdisc; nft -j list ruleset
`

function readList(line: string): Listed[] {
  return JSON.parse(line)
}

function routeName({ type = 'unicast', dst, dev = 'nowhere', table = 'main' }: Listed): string {
  return `${type} ${dst} ${dev} ${table}`
}

/** What `ip -j` and `tc -j` print of one thing, whatever it is. */
interface Listed {
  readonly ifname?: string
  readonly flags?: readonly string[]
  readonly type?: string
  readonly dst?: string
  readonly dev?: string
  readonly table?: string
  readonly state?: readonly string[]
  readonly kind?: string
  readonly addr_info?: readonly { readonly local: string }[]
}

/** Sets that forget their elements by themselves. */
const TIMED = /^(cut|deny_rate|deny_pairs)[46]$/u

function elementsOf(text: string): string[] {
  const { nftables }: { nftables: { set?: Listing; map?: Listing }[] } = JSON.parse(text)
  return nftables
    .flatMap(({ set, map }) => set ?? map ?? [])
    .filter(({ name }) => !TIMED.test(name))
    .flatMap(({ name, elem = [] }) => {
      const keys = elem.map((element) => namesOf(element).join(' . '))
      const others = keys.filter((key) => key === '').length
      return [
        ...keys.filter((key) => key !== '').map((key) => `${name}: ${key}`),
        // A set that is made with its first element holds as much before as after its last.
        ...(others === 0 ? [] : [`${name}: ${others} others`]),
      ]
    })
    .toSorted()
}

interface Listing {
  readonly name: string
  readonly elem?: readonly unknown[]
}

const ADDRESS_OR_INTERFACE = /[.:]|^slc/u
/** Which `nft` writes in two halves. After a restart they are others. */
const CLASS_OR_PORT_SET = /^[0-9a-f]{1,4}:[0-9a-f]{1,4}$/u

function namesOf(element: unknown): string[] {
  if (typeof element === 'string') {
    const isName = ADDRESS_OR_INTERFACE.test(element) && !CLASS_OR_PORT_SET.test(element)
    return isName ? [element] : []
  }
  if (typeof element !== 'object' || element === null) return []
  return Object.values(element).flatMap(namesOf)
}

function recordsIn(directory: string): string[] {
  return namesIn(directory).filter((name) => {
    if (!name.endsWith('.json')) return true
    const { releasedAt }: { releasedAt?: number } = JSON.parse(
      readFileSync(join(directory, name), 'utf8'),
    )
    return releasedAt === undefined
  })
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory).toSorted()
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw error
  }
}
