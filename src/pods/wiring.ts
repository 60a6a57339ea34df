import type { NetlinkSocket } from '../netlink/socket.ts'
import type { Address, Family } from '../policy/address.ts'
import { findLink } from '../netlink/link.ts'
import type { Attachment } from './attachment.ts'
import type { Bandwidth } from './bandwidth.ts'
import { checkLinks, type ExpectedPodEnd } from './check-links.ts'
import { disconnect } from './disconnect.ts'
import { createLinks, removeLinks } from './links.ts'
import { listHostInterfaces } from './list-host-interfaces.ts'
import { raiseLinks } from './raise.ts'
import { setLoopback } from './set-loopback.ts'
import { shapeLinks } from './shape-links.ts'
import type { WriteFilesIn } from './write-settings.ts'

/** The two ends of a pod's link. */
export interface PodLinks {
  readonly hostMac: string
  readonly podMac: string
  /** Bytes. */
  readonly mtu: number
  /** Interface numbers, each in its own namespace. */
  readonly hostIndex: number
  readonly podIndex: number
}

/** The node's end of a pod's link, as the kernel has it. */
export interface HostInterface {
  readonly name: string
  /** To which routes of ours lead there. */
  readonly addresses: readonly Address[]
}

/** What a configuration says of a pod's link; the node's own choice where it says nothing. */
export interface AskedLinks {
  /** Bytes. */
  readonly mtu?: number | undefined
  /** Of the pod's end. */
  readonly mac?: string | undefined
}

/**
 * A pod's link: a veth pair with one end in the pod and one on the node, no bridge, and no need for anyone to
 * ask for a MAC address. All of it goes with the node's end.
 */
export interface Wiring {
  /**
   * Makes both ends, down.
   *
   * @throws PodNetworkError (interfaceExists, namespaceGone, namespaceOfNode, wiringFailed).
   */
  create(attachment: Attachment, netns: string, asked?: AskedLinks): PodLinks
  /** Limits what goes through, before there is anything. @throws PodNetworkError (wiringFailed). */
  shape(attachment: Attachment, netns: string, links: PodLinks, bandwidth: Bandwidth): void
  /**
   * Brings up what `create` made, with addresses and routes.
   *
   * @throws PodNetworkError (wiringFailed); then part of it may be up.
   */
  raise(attachment: Attachment, netns: string, links: PodLinks): void
  /** What depends on the agent's options, on a link that an earlier agent has raised. @throws {NativeError} */
  renew(attachment: Attachment): void
  /** What of it is missing or changed: a sentence for each fault. */
  check(attachment: Attachment, netns: string, expected: ExpectedPodEnd): readonly string[]
  /** Lets no more packets through to these addresses. @throws PodNetworkError (wiringFailed). */
  disconnect(addresses: readonly Address[]): void
  /** Deletes links together, one call after the other; fine if they are gone. @throws PodNetworkError (wiringFailed). */
  remove(hostInterfaces: readonly string[]): Promise<void>
  /** Every interface of ours on the node. @throws PodNetworkError (wiringFailed). */
  hostInterfaces(): readonly HostInterface[]
  /** Whether the node has an interface of this name, whoever made it. @throws {NetlinkError} */
  hasInterface(name: string): boolean
}

export interface WiringOptions {
  /** An rtnetlink socket in the node's namespace. */
  readonly node: NetlinkSocket
  /** Another one, for what takes the kernel long. */
  readonly removing: NetlinkSocket
  /** Path of the node's namespace. */
  readonly nodeNetns: string
  /** The same, by what no other has. */
  readonly nodeNamespace: NamespaceId
  /** Opens an rtnetlink socket in a namespace. @throws when there is none at that path. */
  readonly openIn: (netns: string) => NetlinkSocket
  readonly writeFilesIn: WriteFilesIn
  /** Opens a namespace's file for the kernel to find it by, and closes it. */
  readonly files: NamespaceFiles
  /** What the node's own packets to its pods have as source. */
  readonly nodeAddresses: Readonly<Partial<Record<Family, Address>>>
  /** Of pods whose configuration names none, in bytes. */
  readonly mtu: number
  /** Pods are reached by host ports of 127.0.0.1 too. */
  readonly localhostHostPorts: boolean
}

export interface NamespaceFiles {
  openSync(path: string, flags: 'r'): number
  closeSync(fd: number): void
  fstatSync(fd: number): NamespaceId
}

/** What tells one file from another, whatever path leads there. */
export interface NamespaceId {
  readonly dev: number
  readonly ino: number
}

export function createWiring(options: WiringOptions): Wiring {
  let removed: Promise<void> = Promise.resolve()
  return {
    create: (attachment, netns, asked = {}) => createLinks(attachment, netns, asked, options),
    shape: (attachment, netns, links, bandwidth) =>
      shapeLinks(attachment, netns, links, bandwidth, options),
    raise: (attachment, netns, links) => raiseLinks(attachment, netns, links, options),
    renew: (attachment) => setLoopback(attachment, options),
    check: (attachment, netns, expected) => checkLinks(attachment, netns, expected, options),
    disconnect: (addresses) => disconnect(addresses, options.node),
    remove: (hostInterfaces) => {
      const run = removed.then(() => removeLinks(hostInterfaces, options.removing))
      removed = run.catch(() => undefined)
      return run
    },
    hostInterfaces: () => listHostInterfaces(options.node),
    hasInterface: (name) => findLink(options.node, name) !== undefined,
  }
}
