import { DataplaneError } from '../../src/dataplane/errors.ts'
import { readLoggedPacket } from '../../src/flows/logged-packet.ts'
import { decodePacket, PacketError } from '../../src/flows/packet.ts'
import { NLMSG_DONE, NLMSG_ERROR } from '../../src/netlink/constants.ts'
import { NetlinkDecodeError, NetlinkError, NetlinkSocketError } from '../../src/netlink/errors.ts'
import { readAddress } from '../../src/netlink/interface-address.ts'
import { listForwardingEntries } from '../../src/netlink/forwarding-entry.ts'
import { readLink, setLink } from '../../src/netlink/link.ts'
import { messagesIn, type Reply } from '../../src/netlink/message.ts'
import { readNeighbour } from '../../src/netlink/neighbour.ts'
import { readRefusal } from '../../src/netlink/refusal.ts'
import { readRoute, RTPROT_SLUICE } from '../../src/netlink/route.ts'
import { listRules } from '../../src/netlink/rule.ts'
import { NetlinkSocket } from '../../src/netlink/socket.ts'
import { NftablesError } from '../../src/nftables/errors.ts'
import * as listings from '../../src/nftables/list.ts'
import { readNotification } from '../../src/nftables/notification.ts'
import { answer, done, FakeNative } from '../netlink/fake-native.ts'
import { damaged, samplesIn } from './damaged.ts'
import { readTwice } from './listed-connections.ts'
import { elementListings, readState } from './set-elements.ts'
import type { Target } from './target.ts'

const datagrams = samplesIn('netlink')
const TABLE = { family: 'inet', table: 'sluice' } as const

/** Readers of one message from the kernel, answer or notification. */
const MESSAGE_READERS: Readonly<Record<string, (reply: Reply) => unknown>> = {
  link: readLink,
  address: readAddress,
  route: readRoute,
  neighbour: readNeighbour,
  notification: readNotification,
  refusal: (reply) => readRefusal(reply, REFUSED, 0),
}

const REFUSED = setLink('eth0', { up: true, mtu: 1500 })

/** Listings; the kernel answers each with what the input holds. */
const LISTINGS: Readonly<Record<string, (socket: NetlinkSocket) => unknown>> = {
  rules: (socket) => listRules(socket, 4, RTPROT_SLUICE),
  'forwarding entries': (socket) => listForwardingEntries(socket, 0),
  'nftables tables': (socket) => listings.listTables(socket, 'inet'),
  'nftables chains': (socket) => listings.listChains(socket, TABLE),
  'nftables rules': (socket) => listings.listRules(socket, TABLE),
  'nftables sets': (socket) => listings.listSets(socket, TABLE),
  'nftables counters': (socket) => listings.listCounters(socket, TABLE),
}

const SOCKET_REFUSALS = [NetlinkDecodeError, NetlinkError, NetlinkSocketError]

/** What comes from the kernel. */
export const netlinkTargets: readonly Target[] = [
  ...Object.entries(MESSAGE_READERS).map(([name, read]) => ({
    name: `netlink ${name}`,
    inputs: damaged(datagrams),
    read: (input: Uint8Array) => [...messagesIn(input)].map(read),
    refusals: [NetlinkDecodeError],
  })),
  ...Object.entries(LISTINGS).map(([name, list]) => ({
    name: `listing of ${name}`,
    inputs: damaged(datagrams),
    read: (input: Uint8Array) => list(socketThatHears(input)),
    refusals: SOCKET_REFUSALS,
  })),
  {
    name: 'netlink connections',
    inputs: damaged(samplesIn('connections')),
    read: readTwice,
    refusals: [NetlinkDecodeError],
  },
  {
    name: 'nftables state',
    inputs: damaged(elementListings()),
    read: readState,
    refusals: [NetlinkDecodeError, NftablesError, DataplaneError],
  },
  {
    name: 'NFLOG message',
    inputs: damaged(samplesIn('nflog')),
    read: (input) => [...messagesIn(input)].map(readLoggedPacket),
    refusals: [NetlinkDecodeError, PacketError],
  },
  {
    name: 'packet',
    inputs: damaged(samplesIn('packets')),
    read: decodePacket,
    refusals: [PacketError],
  },
]

/** The kernel answers every request with the messages of this datagram, as far as they can be told apart. */
function socketThatHears(datagram: Uint8Array): NetlinkSocket {
  const native = new FakeNative(([request]) => {
    if (request === undefined) return []
    const heard = messagesOf(datagram).map(({ type, flags, payload }) =>
      answer(request, type, payload, { flags }),
    )
    return [Buffer.concat(heard), done(request)]
  })
  return new NetlinkSocket(native)
}

/** Those that would end a listing are left out: nothing behind them is read. */
function messagesOf(datagram: Uint8Array): Reply[] {
  try {
    return [...messagesIn(datagram)].filter(
      ({ type }) => type !== NLMSG_DONE && type !== NLMSG_ERROR,
    )
  } catch {
    return []
  }
}
