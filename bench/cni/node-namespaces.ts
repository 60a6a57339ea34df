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
  const node = `${DIRECTORY}/${prefix}node`
  const podNamespaceOf = (pod: string): string => `${DIRECTORY}/${prefix}${pod}`
  const paths = [node, ...pods.map(podNamespaceOf)]
  const remove = (): void => paths.forEach(deleteNamespace)
  mkdirSync(DIRECTORY, { recursive: true })
  try {
    for (const path of paths) {
      createNamespace(path)
      skipDuplicateDetection(path)
    }
    raiseLoopback(node)
  } catch (error) {
    remove()
    throw error
  }
  return { node, podNamespaceOf, remove }
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
