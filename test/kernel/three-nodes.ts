import { execFileSync } from 'node:child_process'
import { setImmediate } from 'node:timers/promises'
import { NETLINK_ROUTE } from '../../src/netlink/constants.ts'
import { writeFilesInNamespace } from '../../src/netlink/native.ts'
import { type NetlinkSocket, openNetlink } from '../../src/netlink/socket.ts'
import type { NodeFacts } from '../../src/pods/nodes/node-facts.ts'
import type { OverlayMode } from '../../src/pods/nodes/choose-path.ts'
import { connectNodes } from '../../src/pods/nodes/connect-nodes.ts'
import { writeSettings } from '../../src/pods/write-settings.ts'
import type { Address } from '../../src/policy/address.ts'
import { address, cidr } from '../policy/literals.ts'

/** A node with one pod. */
export interface TestNode {
  readonly facts: NodeFacts
  /** Names of the namespaces. */
  readonly netns: string
  readonly podNetns: string
  /** The node's own, IPv4 and IPv6. */
  readonly addresses: readonly [Address, Address]
  readonly podAddresses: readonly [Address, Address]
  /** Runs a shell command in the node's namespace. */
  readonly run: (command: string) => string
  /** Brings what leads to these nodes into the node's kernel. */
  connect(remotes: readonly NodeFacts[], mode?: OverlayMode, own?: NodeFacts): Promise<string[]>
}

export interface ThreeNodes {
  /** Two on one link. */
  readonly a: TestNode
  readonly b: TestNode
  /** Behind the router. */
  readonly c: TestNode
  readonly router: { readonly netns: string; readonly run: (command: string) => string }
  close(): void
}

/** What the pods' links have where the nodes' have 1500. */
const POD_MTU = 1450

/**
 * Two nodes on one link (a bridge of the router), one on another, and a router that knows nothing of pods: it
 * drops whatever has an address of theirs, and counts it in `pods`.
 *
 * @param pods each with a link to its node, or with nothing yet
 */
export function openThreeNodes(title: string, pods: 'wired' | 'bare' = 'wired'): ThreeNodes {
  const nameOf = (part: string): string => `slc-${title}-${part}-${process.pid}`
  const made: string[] = []
  const sockets: NetlinkSocket[] = []
  const close = (): void => {
    for (const socket of sockets.splice(0)) socket.close()
    for (const name of made.splice(0)) execFileSync('ip', ['netns', 'delete', name])
  }
  const make = (part: string, script: string): string => {
    const name = nameOf(part)
    execFileSync('ip', ['netns', 'add', name])
    made.push(name)
    inside(name, script)
    return name
  }
  const openNode = (part: string, subnet: number, host: number): TestNode => {
    const pod = make(`p${part}`, 'ip link set lo up')
    const place = { part, subnet, host }
    const netns = make(part, nodeScript(place, nameOf('r')))
    if (pods === 'wired') inside(netns, podScript(place, pod))
    const socket = openNetlink(NETLINK_ROUTE, { netns: `/run/netns/${netns}` })
    sockets.push(socket)
    return testNode(place, netns, pod, socket)
  }
  try {
    const router = make('r', ROUTER)
    const [a, b, c] = [openNode('a', 1, 1), openNode('b', 1, 2), openNode('c', 2, 3)]
    return { a, b, c, router: { netns: router, run: (command) => inside(router, command) }, close }
  } catch (error) {
    close()
    throw error
  }
}

interface Place {
  readonly part: string
  /** The nodes' link. */
  readonly subnet: number
  /** On that link; the node's pods have it too. */
  readonly host: number
}

function testNode(
  { part, subnet, host }: Place,
  netns: string,
  podNetns: string,
  socket: NetlinkSocket,
): TestNode {
  const path = `/run/netns/${netns}`
  const addresses = [
    address(`172.18.${subnet}.${host}`),
    address(`fd18:${subnet}::${host}`),
  ] as const
  const podCidrs = [cidr(`10.244.${host}.0/24`), cidr(`fd10:${host}::/64`)]
  const facts = { name: `node-${part}`, podCidrs, addresses }
  return {
    facts,
    netns,
    podNetns,
    addresses,
    podAddresses: [address(`10.244.${host}.2`), address(`fd10:${host}::2`)],
    run: (command) => inside(netns, command),
    connect: (remotes, mode = 'auto', own = facts) =>
      connectNodes(own, remotes, mode, {
        socket,
        yieldToOthers: () => setImmediate(),
        write: (settings) => writeSettings(settings, path, writeFilesInNamespace),
      }),
  }
}

function inside(netns: string, script: string): string {
  return execFileSync('ip', ['netns', 'exec', netns, 'sh', '-ec', script], {
    encoding: 'utf8',
    stdio: 'pipe',
  })
}

/** A bridge's frames are no business of the router's firewall. */
const ROUTER = `
  ip link set lo up
  ip link add lan type bridge
  ip link set lan up
  ip address add 172.18.1.254/24 dev lan
  ip address add fd18:1::254/64 dev lan nodad
  sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
  for file in /proc/sys/net/bridge/bridge-nf-call-*; do [ ! -e $file ] || echo 0 > $file; done
  nft -f - <<END
  table inet strict {
    counter pods { }
    chain forward {
      type filter hook forward priority filter
      ip saddr 10.244.0.0/16 counter name pods drop
      ip daddr 10.244.0.0/16 counter name pods drop
      ip6 saddr fd10::/16 counter name pods drop
      ip6 daddr fd10::/16 counter name pods drop
    }
  }
END`

function nodeScript({ part, subnet, host }: Place, router: string): string {
  const port = `to-${part}`
  const attached =
    subnet === 1
      ? `ip -n ${router} link set ${port} master lan up`
      : `ip -n ${router} link set ${port} up
         ip -n ${router} address add 172.18.${subnet}.254/24 dev ${port}
         ip -n ${router} address add fd18:${subnet}::254/64 dev ${port} nodad`
  return `
    ip link set lo up
    ip link add eth0 type veth peer name ${port} netns ${router}
    ip address add 172.18.${subnet}.${host}/24 dev eth0
    ip address add fd18:${subnet}::${host}/64 dev eth0 nodad
    ip link set eth0 up
    ${attached}
    ip route add default via 172.18.${subnet}.254
    ip -6 route add default via fd18:${subnet}::254
    sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
    sysctl -qw net.ipv4.conf.all.rp_filter=1 net.ipv4.conf.eth0.rp_filter=1
  `
}

function podScript({ subnet, host }: Place, pod: string): string {
  return `
    ip link add p mtu ${POD_MTU} type veth peer name eth0 netns ${pod} mtu ${POD_MTU}
    ip link set p address ee:ee:ee:ee:ee:ee up
    ip netns exec ${pod} sh -ec '
      ip link set eth0 up
      ip address add 10.244.${host}.2/32 dev eth0
      ip address add fd10:${host}::2/128 dev eth0 nodad
      ip neigh add 169.254.1.1 lladdr ee:ee:ee:ee:ee:ee dev eth0
      ip neigh add fe80::1 lladdr ee:ee:ee:ee:ee:ee dev eth0
      ip route add 169.254.1.1 dev eth0
      ip route add default via 169.254.1.1
      ip -6 route add default via fe80::1 dev eth0'
    ip route add 10.244.${host}.2 dev p src 172.18.${subnet}.${host}
    ip -6 route add fd10:${host}::2 dev p src fd18:${subnet}::${host}
  `
}
