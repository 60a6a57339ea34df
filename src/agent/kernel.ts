import { closeSync, fstatSync, openSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { DataplaneParts } from '../dataplane/dataplane.ts'
import { Bars } from '../dataplane/bars.ts'
import { BRIDGE_TABLE, BridgeTable } from '../dataplane/bridge-table.ts'
import { readState } from '../dataplane/inspect.ts'
import { FAMILIES, type KernelState } from '../dataplane/kernel-state.ts'
import { canOwnTables, claimTables } from '../dataplane/own-tables.ts'
import { Revocation } from '../dataplane/revocation.ts'
import { samplingTable } from '../dataplane/sampling-table.ts'
import { sets } from '../dataplane/sets.ts'
import { tableReference } from '../dataplane/table.ts'
import { NETLINK_NETFILTER, NETLINK_ROUTE } from '../netlink/constants.ts'
import { connectionPieces } from '../netlink/connection-pieces.ts'
import { deleteConnection } from '../netlink/conntrack.ts'
import { NetlinkError } from '../netlink/errors.ts'
import { followLogGroup } from '../netlink/follow-log-group.ts'
import { listAddresses } from '../netlink/interface-address.ts'
import { dropMessages } from '../netlink/message-filter.ts'
import { enterNamespace, writeFilesInNamespace } from '../netlink/native.ts'
import { type NetlinkSocket, openNetlink } from '../netlink/socket.ts'
import { subscribe, type Subscriber, type Subscription } from '../netlink/subscribe.ts'
import { commit } from '../nftables/commit.ts'
import { listCounters, listElements, listSets } from '../nftables/list.ts'
import { NFNLGRP_NFTABLES } from '../nftables/notification.ts'
import { type BridgeFilterParts, requireBridgeFilter } from '../pods/bridge-filter.ts'
import { HOST_INTERFACE_PREFIX } from '../pods/attachment.ts'
import { findEntry, type PodEntry } from '../pods/find-entry.ts'
import { findInterface } from '../pods/find-interface.ts'
import type { OverlayMode } from '../pods/nodes/choose-path.ts'
import { connectNodes } from '../pods/nodes/connect-nodes.ts'
import { deriveMtu } from '../pods/nodes/derive-mtu.ts'
import { NETWORK_FILTER, NETWORK_GROUPS } from '../pods/nodes/network-news.ts'
import type { NodeFacts } from '../pods/nodes/node-facts.ts'
import { readMtus } from '../pods/nodes/read-facts.ts'
import { prepareNode } from '../pods/prepare-node.ts'
import { createWiring, type Wiring } from '../pods/wiring.ts'
import { writeSettings } from '../pods/write-settings.ts'
import { type Address, type Cidr, type Family, familyOf } from '../policy/address.ts'
import type { Connection } from '../netlink/conntrack.ts'
import type { Tables } from '../policy/tables.ts'
import type { Commit } from './measure-commit.ts'
import { hostProblems } from './host-problems.ts'
import { OWN_NETNS, openSettings } from './open-settings.ts'
import { outlivePackets } from './outlive-packets.ts'

export interface KernelOptions {
  /** Where /proc/sys can be written: in a container it is read-only, and the node's net part mounted elsewhere. */
  readonly procSys: string
  /** NFLOG group of denied packets. */
  readonly logGroup: number
  readonly log: Logger
  /** Keeps everybody else from changing our tables, where the kernel can do that. */
  readonly ownTables?: boolean
  /** Looks on while transactions are carried out. */
  readonly measure?: (commit: Commit) => Commit
}

/** What the wiring of pods has to know of the node. */
export interface NodeNetwork {
  readonly podCidrs: readonly Cidr[]
  /** The first of each family is the source of what the node sends to its pods. */
  readonly nodeAddresses: readonly Address[]
  /** Bytes. */
  readonly mtu: number
  /** Pods are reached by host ports of 127.0.0.1 too. */
  readonly localhostHostPorts: boolean
}

/** What enforcement on pods that others wired needs of the node. */
export interface ChainedKernel {
  /** Where an interface of a pod comes to the node. @throws PodNetworkError (namespaceGone, notEnforceable) */
  readonly findEntry: (netns: string, ifName: string) => PodEntry
  /** Switches on that bridged packets are judged; returns what was off. @throws PodNetworkError (notEnforceable) */
  readonly requireBridgeFilter: () => readonly string[]
  readonly bridges: BridgeTable
  /** The interface by which a pod that others wired is reached, and whether that is a bridge. */
  readonly findInterface: (address: Address) => ReturnType<typeof findInterface>
}

/** The node's kernel, as the parts of the agent use it. */
export interface Kernel {
  /** Makes all writes to nftables for the life of the agent. */
  readonly nftables: NetlinkSocket
  readonly dataplane: DataplaneParts
  /** Prepares the node to carry pods' packets. @throws {NativeError} @throws {NetlinkError} */
  wiring(network: NodeNetwork): Wiring
  /** What enforcement on pods that others wired asks of the node. */
  chained(): ChainedKernel
  /** The MTU, in bytes, that suits pods of a node with these addresses. */
  podMtu(nodeAddresses: readonly Address[], overlay: OverlayMode): number
  /** Paths to the pods of other nodes; resolves to a sentence for each that cannot be had. One at a time. */
  connectNodes(
    own: NodeFacts,
    remotes: readonly NodeFacts[],
    overlay: OverlayMode,
  ): Promise<readonly string[]>
  /** Tells when the node's links, addresses or routes have changed, so that other paths may be right. */
  watchNetwork(onNews: () => void): void
  /** What of the node's state defeats policy now, a sentence each. */
  hostProblems(state: KernelState): Promise<readonly string[]>
  /** A socket for listings of nftables, which keep it from everything else. */
  openListing(): NetlinkSocket
  /** Follows what others change in nftables: what `nftables` does is kept away by the kernel. */
  watchTables(subscriber: Subscriber): void
  /** Once the table is in force: takes over what an earlier agent has barred. */
  revocation(tables: () => Tables): Promise<Revocation>
  /** How many elements each set and map of the table has; empty from kernels that do not say. */
  setElements(): ReadonlyMap<string, number>
  /** Delivers what the program logs. @throws {NetlinkError} EPERM when somebody else has the group */
  followLog(subscriber: Subscriber): Subscription
  /** Logs one in so many new connections that pass, until it is closed. @throws {NetlinkError} */
  sampleAllowed(oneIn: number): { close: () => void }
  /** Packets of each counter of the table. */
  packetCounters(): Readonly<Record<string, number>>
  /** Connections cut so far. */
  revokedConnections(): number
  close(): void
}

/**
 * Opens the sockets.
 *
 * @throws {NativeError} without CAP_SYS_ADMIN, which every pod's namespace asks for: told now, not at its ADD
 * @throws {NetlinkError} without CAP_NET_ADMIN
 * @throws {DataplaneError} SLUICE_TABLE_OWNED while another agent has the tables
 */
export function openKernel(options: KernelOptions): Kernel {
  const { procSys, logGroup, log, measure = (as) => as } = options
  enterNamespace(OWN_NETNS)
  const nftables = openNetlink(NETLINK_NETFILTER)
  const ownsTables = options.ownTables === true && takeTables(nftables, log)
  const conntrack = openNetlink(NETLINK_NETFILTER)
  // For listings alone. It stays open: after a transaction that deletes, closing one waits 7 ms for an RCU grace
  // period (nft_rcv_nl_event, Linux 6.18).
  const listing = openNetlink(NETLINK_NETFILTER)
  const route = openNetlink(NETLINK_ROUTE)
  const removing = openNetlink(NETLINK_ROUTE)
  const nodeRoute = openNetlink(NETLINK_ROUTE)
  const commitTransaction = measure((transaction) => commit(nftables, transaction))
  const settings = openSettings(procSys)
  // The agent has entered the node's namespace.
  const node = { node: route, nodeNetns: OWN_NETNS, writeFilesIn: settings.write }
  const watches: Subscription[] = []
  let revoked = 0
  return {
    nftables,
    dataplane: {
      commit: commitTransaction,
      read: readStateAlone,
      gracePeriod: outlivePackets,
      yieldToOthers: () => setImmediate(),
      ownsTables,
    },
    wiring: ({ podCidrs, nodeAddresses, ...rest }) => {
      prepareNode(podCidrs, node)
      return createWiring({
        ...node,
        removing,
        openIn,
        nodeNamespace: statSync(OWN_NETNS),
        files: { openSync, closeSync, fstatSync },
        nodeAddresses: firstOfEach(nodeAddresses),
        ...rest,
      })
    },
    chained: () => ({
      findEntry: (netns, ifName) => findEntry(netns, ifName, { ...node, openIn }),
      requireBridgeFilter: () => requireBridgeFilter(bridgeFiles(procSys)),
      findInterface: (address) => findInterface(address, route),
      bridges: new BridgeTable({ commit: commitTransaction, socket: nftables, ownsTables }),
    }),
    podMtu: (nodeAddresses, overlay) => deriveMtu(nodeAddresses, overlay, readMtus(route)),
    connectNodes: (own, remotes, overlay) =>
      connectNodes(own, remotes, overlay, {
        socket: nodeRoute,
        yieldToOthers: () => setImmediate(),
        write: (wanted) => writeSettings(wanted, node.nodeNetns, node.writeFilesIn),
      }),
    watchNetwork: (onNews) => {
      const subscriber = { onMessage: onNews, onLost: onNews }
      watches.push(subscribe(NETLINK_ROUTE, NETWORK_GROUPS, subscriber, { filter: NETWORK_FILTER }))
    },
    hostProblems: (state) => {
      const traffic = { interfacePrefix: HOST_INTERFACE_PREFIX, state }
      return hostProblems({ nftables, conntrack, route, openListing }, traffic)
    },
    openListing,
    watchTables: (subscriber) => {
      // Each transaction is told of in datagrams of its own.
      const filter = dropMessages([[{ portId: nftables.portId }]])
      watches.push(subscribe(NETLINK_NETFILTER, [NFNLGRP_NFTABLES], subscriber, { filter }))
    },
    revocation: async (tables) => {
      const bars = new Bars(commitTransaction, () => performance.now())
      for (const family of FAMILIES) {
        bars.adopt(family, await listElements(nftables, tableReference('sluice'), sets.cut[family]))
      }
      return new Revocation({
        pieces: () => connectionPieces(listing),
        delete: (connections) => deleteConnections(conntrack, connections),
        bar: (some) => bars.add(some),
        unbar: (mayBe) => bars.remove(mayBe),
        mendBars: () => mendBars(bars),
        tables,
        ownAddresses: () => new Set(listAddresses(route).map(({ address }) => address)),
        setTimer: (callback, delayMs) => setTimeout(callback, delayMs).unref(),
        yieldToOthers: () => setImmediate(),
        onRevoked: (count) => {
          revoked += count
          log.info({ event: 'connections.revoked', count }, 'connections were cut')
        },
        onError: (error) => log.error({ event: 'connections.sweep', err: error }),
      })
    },
    followLog: (subscriber) =>
      followLogGroup(logGroup, LOG_SETTINGS, subscriber, { receiveBufferBytes: LOG_BUFFER_BYTES }),
    sampleAllowed: (oneIn) => {
      const socket = openNetlink(NETLINK_NETFILTER)
      const options = { oneIn, logGroup, podInterfacePrefix: HOST_INTERFACE_PREFIX }
      try {
        commit(socket, samplingTable(options))
      } catch (error) {
        socket.close()
        throw error
      }
      return socket
    },
    packetCounters: () =>
      Object.fromEntries(
        listCounters(conntrack, tableReference('sluice')).map(({ counter, packets }) => [
          counter,
          Number(packets),
        ]),
      ),
    setElements: () =>
      new Map(
        listSets(conntrack, tableReference('sluice')).flatMap(({ set, count }) =>
          count === undefined ? [] : [[set, count] as const],
        ),
      ),
    revokedConnections: () => revoked,
    close: () => {
      const sockets = [nftables, conntrack, listing, route, nodeRoute, removing, ...watches]
      for (const one of [...sockets, settings]) one.close()
    },
  }
}

/** The rules say how much of a packet and how many at once; a single one waits for a tenth of a second. */
const LOG_SETTINGS = { copyBytes: 96, queuePackets: 32, flushCentiseconds: 10 }
/** Some ten thousand packets, which is more than are logged in the longest time that the event loop is busy. */
const LOG_BUFFER_BYTES = 1 << 20

/** First of all: what an agent that ended has left is anybody's. Returns whether the kernel can do it. */
function takeTables(nftables: NetlinkSocket, log: Logger): boolean {
  if (!canOwnTables(nftables)) {
    log.info(
      { event: 'table.unowned' },
      'this kernel cannot keep others from changing table inet sluice (Linux 6.9 can); what they change is put right',
    )
    return false
  }
  claimTables(nftables, [tableReference('sluice'), tableReference('sluice_next'), BRIDGE_TABLE])
  return true
}

/** Read and written on the thread that has entered the node's namespace. */
function bridgeFiles(procSys: string): BridgeFilterParts {
  return {
    procSys,
    readFile: (path) => readFileSync(path, 'utf8'),
    writeFile: (path, text) =>
      writeFilesInNamespace(undefined, dirname(path), { [basename(path)]: text }),
  }
}

function openListing(): NetlinkSocket {
  return openNetlink(NETLINK_NETFILTER)
}

function openIn(netns: string): NetlinkSocket {
  return openNetlink(NETLINK_ROUTE, { netns })
}

function firstOfEach(addresses: readonly Address[]): Partial<Record<Family, Address>> {
  const first: Partial<Record<Family, Address>> = {}
  for (const address of addresses) first[familyOf(address)] ??= address
  return first
}

async function mendBars(bars: Bars): Promise<number> {
  const socket = openNetlink(NETLINK_NETFILTER)
  try {
    let wrong = 0
    for (const family of FAMILIES) {
      const held = await listElements(socket, tableReference('sluice'), sets.cut[family])
      wrong += bars.mend(family, held)
    }
    return wrong
  } finally {
    socket.close()
  }
}

/** A listing in steps keeps its socket from everything else, and bars are committed meanwhile. */
async function readStateAlone(): Promise<KernelState> {
  const socket = openNetlink(NETLINK_NETFILTER)
  try {
    return await readState(socket)
  } finally {
    socket.close()
  }
}

/** Entries that have gone by themselves meanwhile are as good as deleted. */
function deleteConnections(socket: NetlinkSocket, connections: readonly Connection[]): void {
  try {
    socket.requests(connections.map(deleteConnection))
  } catch (error) {
    if (!(error instanceof NetlinkError)) throw error
    const other = error.refusals.find(({ code }) => code !== 'ENOENT')
    if (other !== undefined) throw error
  }
}
