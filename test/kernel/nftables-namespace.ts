import { execFileSync } from 'node:child_process'
import { NETLINK_NETFILTER } from '../../src/netlink/constants.ts'
import { openNetlink } from '../../src/netlink/socket.ts'
import type { NetlinkSocket } from '../../src/netlink/socket.ts'

/** A network namespace of the test's own, with a netlink socket and `nft` in it. */
export interface Namespace {
  readonly path: string
  readonly socket: NetlinkSocket
  /** What `nft` prints. Throws where it fails, crashes included. */
  readonly nft: (args: readonly string[], stdin?: string) => string
  readonly close: () => void
}

export function openNamespace(title: string): Namespace {
  const name = `slc-nft-${title}-${process.pid}`
  const path = `/run/netns/${name}`
  execFileSync('ip', ['netns', 'add', name])
  const socket = openNetlink(NETLINK_NETFILTER, { netns: path })
  return {
    path,
    socket,
    nft: (args, input = '') =>
      execFileSync('ip', ['netns', 'exec', name, 'nft', ...args], { encoding: 'utf8', input }),
    close: () => {
      socket.close()
      execFileSync('ip', ['netns', 'delete', name])
    },
  }
}
