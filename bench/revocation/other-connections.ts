import { NETLINK_NETFILTER } from '../../src/netlink/constants.ts'
import {
  createConnection,
  IPS_ASSURED,
  IPS_CONFIRMED,
  IPS_SEEN_REPLY,
  listConnections,
} from '../../src/netlink/conntrack.ts'
import { openNetlink } from '../../src/netlink/socket.ts'
import { type Address, ip4, ip6 } from '../../src/policy/address.ts'

/** The clients of these connections; policy lets them in all the time. */
export const OTHER_CLIENTS = ['198.18.0.0/15', 'fd00:198:18::/64'] as const
const FIRST_CLIENT4 = 0xc6120000
const FIRST_CLIENT6 = 0xfd00_0198_0018_0000n << 64n

const OTHER_CONNECTIONS = 10_000
const OTHER_PORT = 7000
const IPPROTO_UDP = 17

/** Tracks so many flows in a node's namespace, half of each family, all to this pod. */
export function trackOthers(netns: string, pod: readonly Address[]): void {
  const socket = openNetlink(NETLINK_NETFILTER, { netns })
  const flows = Array.from({ length: OTHER_CONNECTIONS / 2 }, (_, index) => index)
  try {
    // Some at a time: what the kernel answers has to fit its queue.
    for (let from = 0; from < flows.length; from += AT_ONCE) {
      const some = flows.slice(from, from + AT_ONCE)
      socket.requests(
        some.flatMap((index) =>
          pod.map((address) => createConnection(flow(clientOf(address, index), address))),
        ),
      )
    }
  } finally {
    socket.close()
  }
}

/** @throws Error when one is missing, which policy allows all the time. */
export function expectOthers(netns: string): void {
  const socket = openNetlink(NETLINK_NETFILTER, { netns })
  try {
    const there = listConnections(socket).filter(({ original }) => original.dport === OTHER_PORT)
    if (there.length === OTHER_CONNECTIONS) return
    throw new Error(
      `WRONG VERDICT: of ${OTHER_CONNECTIONS} flows that were allowed all the time, ${there.length} are left.`,
    )
  } finally {
    socket.close()
  }
}

const AT_ONCE = 100

function clientOf(server: Address, index: number): Address {
  return typeof server === 'number'
    ? ip4(FIRST_CLIENT4 + index)
    : ip6(FIRST_CLIENT6 + BigInt(index))
}

function flow(src: Address, dst: Address): Parameters<typeof createConnection>[0] {
  return {
    protocol: IPPROTO_UDP,
    original: { src, dst, sport: 4000, dport: OTHER_PORT },
    reply: { src: dst, dst: src, sport: OTHER_PORT, dport: 4000 },
    zone: 0,
    status: IPS_CONFIRMED | IPS_ASSURED | IPS_SEEN_REPLY,
    mark: 0,
    timeoutSeconds: 3600,
  }
}
