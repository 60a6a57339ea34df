import { execFileSync } from 'node:child_process'
import { NETLINK_NETFILTER } from '../../src/netlink/constants.ts'
import { openNetlink } from '../../src/netlink/socket.ts'
import type { NetlinkSocket } from '../../src/netlink/socket.ts'

/** A network namespace of the test's own, with a netlink socket and `nft` in it. */
export interface Namespace {
  readonly path: string
  readonly socket: NetlinkSocket
  /** What a program in it prints. Throws where it fails. */
  readonly run: (command: readonly string[], stdin?: string) => string
  /** What `nft` prints. Throws where it fails, crashes included. */
  readonly nft: (args: readonly string[], stdin?: string) => string
  readonly close: () => void
}

export function openNamespace(title: string): Namespace {
  const name = `slc-nft-${title}-${process.pid}`
  const path = `/run/netns/${name}`
  execFileSync('ip', ['netns', 'add', name])
  const socket = openOrRemove(name, path)
  const run: Namespace['run'] = (command, input = '') =>
    execFileSync('ip', ['netns', 'exec', name, ...command], {
      encoding: 'utf8',
      input,
      stdio: 'pipe',
    })
  return {
    path,
    socket,
    run,
    nft: (args, input) => run(['nft', ...args], input),
    close: () => {
      socket.close()
      execFileSync('ip', ['netns', 'delete', name])
    },
  }
}

function openOrRemove(name: string, path: string): NetlinkSocket {
  try {
    return openNetlink(NETLINK_NETFILTER, { netns: path })
  } catch (error) {
    execFileSync('ip', ['netns', 'delete', name])
    throw error
  }
}
