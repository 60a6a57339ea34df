import { execFileSync } from 'node:child_process'
import { basename } from 'node:path'
import { AF_UNSPEC, NETLINK_NETFILTER } from '../../src/netlink/constants.ts'
import { CTA } from '../../src/netlink/conntrack-table.ts'
import { makeRequest } from '../../src/netlink/message.ts'
import { MESSAGE_TYPES } from '../../src/netlink/message-types.ts'
import { nfgenmsg } from '../../src/netlink/headers.ts'
import { type NetlinkSocket, openNetlink } from '../../src/netlink/socket.ts'
import { encodeStruct } from '../../src/netlink/struct.ts'
import { type Address, formatAddress } from '../../src/policy/address.ts'
import { makeNamespaces } from '../cni/node-namespaces.ts'
import { CLIENT, SERVER, STRANGER } from './cluster.ts'

/** A node with a client pod and a server pod, wired as Sluice wires them, without any table. */
export interface Place {
  /** Paths of the namespaces. */
  readonly node: string
  readonly client: string
  readonly server: string
  /** Into the node. */
  readonly socket: NetlinkSocket
  readonly close: () => void
}

/** Host interfaces of the pods. */
export const LOCALS: ReadonlyMap<Address, string> = new Map([
  [SERVER, 'slcserver'],
  [CLIENT, 'slcclient'],
  [STRANGER, 'slcclient'],
])

/** @param title of the namespaces, with no other like it in this process */
export function openPlace(title: string): Place {
  const pods = ['client', 'server'] as const
  const namespaces = makeNamespaces(`sluice-bench-${process.pid}-${title}-`, pods)
  const { node } = namespaces
  try {
    for (const pod of pods) {
      const addresses = [...LOCALS.keys()].filter((address) => LOCALS.get(address) === `slc${pod}`)
      const script = wiring(basename(namespaces.podNamespaceOf(pod)), `slc${pod}`, addresses)
      execFileSync('ip', ['netns', 'exec', basename(node), 'sh', '-e'], { input: script })
    }
    const socket = openNetlink(NETLINK_NETFILTER, { netns: node })
    const close = (): void => {
      socket.close()
      namespaces.remove()
    }
    const [client, server] = pods.map(namespaces.podNamespaceOf)
    return { node, client: client ?? '', server: server ?? '', socket, close }
  } catch (error) {
    namespaces.remove()
    throw error
  }
}

/** Reads a ruleset into the node with `nft -f`. */
export function readRuleset({ node }: Place, ruleset: string): void {
  execFileSync('ip', ['netns', 'exec', basename(node), 'nft', '-f', '-'], { input: ruleset })
}

/** Forgets all connections of the node: the next ones meet an empty table, and ports are free again. */
export function forgetConnections({ socket }: Place): void {
  const header = encodeStruct(nfgenmsg, { nfgen_family: AF_UNSPEC })
  socket.request(makeRequest(MESSAGE_TYPES.IPCTNL_MSG_CT_DELETE, 0, header, CTA, {}))
}

/** To be run on the node: a veth, a route to each address, and neighbours that nobody has to ask for. */
function wiring(pod: string, host: string, addresses: readonly Address[]): string {
  const texts = addresses.map(formatAddress)
  return `
sysctl -qw net.ipv4.ip_forward=1
ip link add ${host} address 02:00:00:00:00:01 type veth peer name eth0 address 02:00:00:00:00:02 netns ${pod}
ip link set ${host} up
ip -n ${pod} link set eth0 up
${texts.map((text) => `ip -n ${pod} address add ${text}/32 dev eth0`).join('\n')}
ip -n ${pod} route add 169.254.1.1 dev eth0 scope link
ip -n ${pod} route add default via 169.254.1.1 src ${texts[0]}
ip -n ${pod} neighbour add 169.254.1.1 lladdr 02:00:00:00:00:01 dev eth0 nud permanent
${texts.map((text) => `ip route add ${text} dev ${host}`).join('\n')}
${texts.map((text) => `ip neighbour add ${text} lladdr 02:00:00:00:00:02 dev ${host} nud permanent`).join('\n')}
`
}
