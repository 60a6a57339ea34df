import { closeSync, openSync } from 'node:fs'
import { NETLINK_ROUTE } from '../netlink/constants.ts'
import { addAddress } from '../netlink/interface-address.ts'
import { addLink, findLink, setLink } from '../netlink/link.ts'
import type { Request } from '../netlink/message.ts'
import { createNamespace, type FileTexts, writeFilesInNamespace } from '../netlink/native.ts'
import { addRoute } from '../netlink/route.ts'
import { type NetlinkSocket, openNetlink } from '../netlink/socket.ts'
import { type Address, type Cidr, familyOf, ip4, ip6 } from '../policy/address.ts'
import { type AddressPlan, outsideGateways } from './address-plan.ts'
import type { LabNode } from './lab-node.ts'
import type { LabPaths } from './lab-paths.ts'

type NetworkNode = Pick<LabNode, 'netns' | 'addresses'>

/**
 * Builds the network around the pods: a namespace a node and one for the outside world, each with one link to a
 * bridge in a namespace of its own. Nodes have routes to each other's pods and send all else to the outside
 * world, which has routes to all pods.
 */
export function buildTopology(
  paths: LabPaths,
  nodes: readonly NetworkNode[],
  plan: AddressPlan,
): void {
  const link = paths.netns('link')
  const outside = paths.netns('outside')
  const routers = [outside, ...nodes.map(({ netns }) => netns)]
  createNamespace(link)
  // The bridge carries frames only: no addresses of its own.
  writeFilesInNamespace(link, `${SYSCTL}/ipv6/conf/default`, { disable_ipv6: '1' })
  for (const netns of routers) createRouter(netns)
  connect(link, routers)
  const gateways = outsideGateways(plan)
  const toPods = nodes.map((node) => ({ node, routes: routesTo(node) }))
  configure(
    outside,
    gateways,
    plan,
    toPods.flatMap(({ routes }) => routes),
  )
  for (const node of nodes) {
    const others = toPods.filter((one) => one.node !== node).flatMap(({ routes }) => routes)
    const toOutside = gateways.map((gateway) => ({ destination: everything(gateway), gateway }))
    configure(node.netns, node.addresses.own, plan, [...others, ...toOutside])
  }
}

/** Gives the outside world addresses; it answers for them, and probes come from them. */
export function addOutsideAddresses(netns: string, addresses: readonly Address[]): void {
  withNetlink(netns, (socket) => {
    const index = indexOf(socket, 'lo')
    socket.requests(
      addresses.map((address) => {
        return addAddress({ index, address, prefix: familyOf(address) === 4 ? 32 : 128 })
      }),
    )
  })
}

const SYSCTL = '/proc/sys/net'
const UPLINK = 'eth0'

const ROUTER_SYSCTLS: readonly (readonly [directory: string, values: FileTexts])[] = [
  ['ipv4', { ip_forward: '1' }],
  // The machine's own setting would be inherited.
  ['ipv4/conf/all', { rp_filter: '0' }],
  ['ipv4/conf/default', { rp_filter: '0' }],
  // Addresses work at once, link-local ones too: neighbours could not be asked for a second otherwise.
  ['ipv6/conf/all', { disable_ipv6: '0', forwarding: '1', accept_dad: '0' }],
  ['ipv6/conf/default', { disable_ipv6: '0', accept_dad: '0' }],
]

function createRouter(netns: string): void {
  createNamespace(netns)
  for (const [directory, values] of ROUTER_SYSCTLS)
    writeFilesInNamespace(netns, `${SYSCTL}/${directory}`, values)
  withNetlink(netns, (socket) => socket.request(setLink('lo', { up: true })))
}

/** A veth from the bridge to each router. */
function connect(link: string, routers: readonly string[]): void {
  withNetlink(link, (socket) => {
    socket.request(addLink({ name: 'bridge', up: true }, { kind: 'bridge' }))
    const master = indexOf(socket, 'bridge')
    for (const [number, netns] of routers.entries()) {
      const fd = openSync(netns, 'r')
      try {
        const peer = { name: UPLINK, netns: { fd } }
        socket.request(addLink({ name: `port${number}`, up: true, master }, { kind: 'veth', peer }))
      } finally {
        closeSync(fd)
      }
    }
  })
}

interface LabRoute {
  readonly destination: Cidr
  readonly gateway: Address
}

function routesTo({ addresses }: NetworkNode): LabRoute[] {
  return addresses.podCidrs.flatMap((destination) => {
    const family = familyOf(destination.first)
    const gateway = addresses.own.find((address) => familyOf(address) === family)
    return gateway === undefined ? [] : [{ destination, gateway }]
  })
}

function everything(gateway: Address): Cidr {
  return typeof gateway === 'number'
    ? { first: ip4(0), last: ip4(2 ** 32 - 1), prefix: 0 }
    : { first: ip6(0n), last: ip6(2n ** 128n - 1n), prefix: 0 }
}

function configure(
  netns: string,
  own: readonly Address[],
  plan: AddressPlan,
  routes: readonly LabRoute[],
): void {
  withNetlink(netns, (socket) => {
    const link = indexOf(socket, UPLINK)
    const requests: Request[] = own.map((address) => {
      const range = plan.nodes.find(({ first }) => familyOf(first) === familyOf(address))
      return addAddress({ index: link, address, prefix: range?.prefix ?? 0 })
    })
    socket.request(setLink(link, { up: true }))
    socket.requests([...requests, ...routes.map((route) => addRoute({ ...route, link }))])
  })
}

function indexOf(socket: NetlinkSocket, name: string): number {
  const link = findLink(socket, name)
  if (link === undefined) throw new Error(`The link ${name} that was just made is gone.`)
  return link.index
}

function withNetlink(netns: string, action: (socket: NetlinkSocket) => void): void {
  const socket = openNetlink(NETLINK_ROUTE, { netns })
  try {
    action(socket)
  } finally {
    socket.close()
  }
}
