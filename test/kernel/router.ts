import { execFileSync } from 'node:child_process'
import { setImmediate } from 'node:timers/promises'
import { NETLINK_NETFILTER } from '../../src/netlink/constants.ts'
import { type NativeSocket, openSocket } from '../../src/netlink/native.ts'
import { type NetlinkSocket, openNetlink } from '../../src/netlink/socket.ts'
import { ip4 } from '../../src/policy/address.ts'
import { type Packet, readTag, writeFrame } from './tagged-packets.ts'

/**
 * A namespace that forwards whatever comes in on one link out by another, and a namespace that holds the far
 * ends of both: any packet can be sent through `forward`, from any address to any other, and is seen again or
 * not. Nothing is tracked, so every packet is judged by itself. Each comes with a priority, which verdicts must not
 * depend on.
 */
export interface Router {
  readonly nftables: NetlinkSocket
  /** What a program in the router's namespace prints. */
  readonly run: (command: readonly string[]) => string
  /** Sends these, and says of each whether it was forwarded. */
  readonly forwarded: (packets: readonly Packet[]) => Promise<boolean[]>
  readonly close: () => void
}

/** ETH_P_ALL, and struct sockaddr_ll (linux/if_packet.h). */
const ETH_P_ALL = 0x0003
const AF_PACKET = 17
const SOCK_RAW = 3

const ROUTER_MAC = '02:00:00:00:00:01'

const NOTRACK = `table inet untracked {
  chain early {
    type filter hook prerouting priority raw
    notrack
    meta priority set 0:6
  }
}`

export function openRouter(title: string): Router {
  const router = `slc-${title}-r-${process.pid}`
  const wire = `slc-${title}-w-${process.pid}`
  const inside = (name: string, command: readonly string[], input = ''): string =>
    execFileSync('ip', ['netns', 'exec', name, ...command], {
      encoding: 'utf8',
      input,
      stdio: 'pipe',
    })
  const opened: { close: () => void }[] = []
  const close = (): void => {
    for (const one of opened.splice(0).toReversed()) one.close()
  }
  try {
    for (const name of [router, wire]) {
      execFileSync('ip', ['netns', 'add', name])
      opened.push({ close: () => execFileSync('ip', ['netns', 'delete', name]) })
    }
    inside(router, ['sh', '-ec', setUp(wire)])
    inside(wire, ['sh', '-ec', 'ip link set w0 up; ip link set w1 up'])
    inside(router, ['nft', '-f', '-'], NOTRACK)
    const nftables = openNetlink(NETLINK_NETFILTER, { netns: `/run/netns/${router}` })
    opened.push(nftables)
    const sender = openLink(wire, 'w0', inside)
    const receiver = openLink(wire, 'w1', inside)
    opened.push(sender, receiver)
    return {
      nftables,
      run: (command) => inside(router, command),
      forwarded: (packets) => forwarded(packets, sender, receiver),
      close,
    }
  } catch (error) {
    close()
    throw error
  }
}

/** Links without ARP: everything goes to one permanent neighbour behind `out`, whatever its address. */
function setUp(wire: string): string {
  return `
    ip link add in type veth peer name w0 netns ${wire}
    ip link add out type veth peer name w1 netns ${wire}
    ip link set in address ${ROUTER_MAC} up
    ip link set out arp off up
    sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
    sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.in.rp_filter=0
    ip route add default dev out
    ip -6 route add default dev out
  `
}

function openLink(
  netns: string,
  link: string,
  inside: (name: string, command: readonly string[]) => string,
): NativeSocket {
  const index = Number(inside(netns, ['cat', `/sys/class/net/${link}/ifindex`]))
  const bind = new Uint8Array(20)
  const view = new DataView(bind.buffer)
  view.setUint16(0, AF_PACKET, true)
  view.setUint16(2, ETH_P_ALL)
  view.setInt32(4, index, true)
  return openSocket({
    domain: AF_PACKET,
    type: SOCK_RAW,
    protocol: 0,
    netns: `/run/netns/${netns}`,
    bind,
    receiveBufferBytes: 64 << 20,
  })
}

/** Neither end of it is anybody's: it is always forwarded, behind all that was sent before it. */
const LAST: Packet = {
  from: ip4(0xc633_6401),
  to: ip4(0xc633_6402),
  protocol: 'UDP',
  port: 9,
}

async function forwarded(
  packets: readonly Packet[],
  sender: NativeSocket,
  receiver: NativeSocket,
): Promise<boolean[]> {
  packets.forEach((packet, tag) => sender.send(writeFrame(packet, tag, ROUTER_MAC)))
  const seen = new Set<number>()
  // Twice, because the first may have overtaken on the other processor.
  for (const tag of [packets.length, packets.length + 1]) {
    sender.send(writeFrame(LAST, tag, ROUTER_MAC))
    while (!seen.has(tag)) {
      receive(receiver, seen)
      await setImmediate()
    }
  }
  return packets.map((_, tag) => seen.has(tag))
}

const buffer = new Uint8Array(2048)

function receive(receiver: NativeSocket, seen: Set<number>): void {
  for (;;) {
    const length = receiver.receive(buffer)
    if (length < 0) return
    const tag = readTag(buffer.subarray(0, length))
    if (tag !== undefined) seen.add(tag)
  }
}
