import { mkdirSync } from 'node:fs'
import { NETLINK_ROUTE } from '../../src/netlink/constants.ts'
import { setLink } from '../../src/netlink/link.ts'
import {
  createNamespace,
  deleteNamespace,
  writeFilesInNamespace,
} from '../../src/netlink/native.ts'
import { openNetlink } from '../../src/netlink/socket.ts'

/** The network namespaces of a node and of all pods that it will ever have. */
export interface NodeNamespaces {
  /** Paths. */
  readonly node: string
  readonly podNamespaceOf: (pod: string) => string
  remove(): void
}

const DIRECTORY = '/run/netns'

/** Makes them. What it has made when it fails is removed. */
export function makeNamespaces(prefix: string, pods: readonly string[]): NodeNamespaces {
  const names = namesOf(prefix, pods)
  make([names], pods)
  return names
}

/**
 * Makes those of several nodes, in turns: the kernel looks for a namespace's settings among those of all namespaces,
 * the youngest first, so a node whose namespaces are all older than those of the others would be at a disadvantage.
 *
 * @param prefixes what the names of each node's namespaces begin with
 * @param pods their names, the same on each node
 */
export function makeNamespacesInTurns(
  prefixes: readonly string[],
  pods: readonly string[],
): NodeNamespaces[] {
  const nodes = prefixes.map((prefix) => namesOf(prefix, pods))
  make(nodes, pods)
  return nodes
}

function make(nodes: readonly NodeNamespaces[], pods: readonly string[]): void {
  mkdirSync(DIRECTORY, { recursive: true })
  try {
    for (const { node } of nodes) {
      makeOne(node)
      raiseLoopback(node)
    }
    for (const pod of pods) for (const { podNamespaceOf } of nodes) makeOne(podNamespaceOf(pod))
  } catch (error) {
    for (const one of nodes) one.remove()
    throw error
  }
}

function namesOf(prefix: string, pods: readonly string[]): NodeNamespaces {
  const node = `${DIRECTORY}/${prefix}node`
  const podNamespaceOf = (pod: string): string => `${DIRECTORY}/${prefix}${pod}`
  const remove = (): void => [node, ...pods.map(podNamespaceOf)].forEach(deleteNamespace)
  return { node, podNamespaceOf, remove }
}

function makeOne(path: string): void {
  createNamespace(path)
  skipDuplicateDetection(path)
}

/**
 * The reference plugins wait one to two seconds until duplicate address detection is through. That is a setting,
 * not work, and would hide what they do: it is off on all sides. (Sluice switches it off by itself.)
 */
function skipDuplicateDetection(netns: string): void {
  for (const scope of ['all', 'default']) {
    writeFilesInNamespace(netns, `/proc/sys/net/ipv6/conf/${scope}`, { accept_dad: '0' })
  }
}

function raiseLoopback(netns: string): void {
  const socket = openNetlink(NETLINK_ROUTE, { netns })
  socket.request(setLink('lo', { up: true }))
  socket.close()
}
