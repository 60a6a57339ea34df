import { execFileSync } from 'node:child_process'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { NETLINK_ROUTE } from '../../src/netlink/constants.ts'
import { messageName } from '../../src/netlink/message-types.ts'
import { type Subscription, subscribe } from '../../src/netlink/subscribe.ts'
import { NETWORK_FILTER, NETWORK_GROUPS } from '../../src/pods/nodes/network-news.ts'
import { until } from './until.ts'

const name = `slc-news-${process.pid}`
const news: string[] = []
let subscription: Subscription

function run(script: string): string {
  const command = ['netns', 'exec', name, 'sh', '-ec', script]
  return execFileSync('ip', command, { encoding: 'utf8', stdio: 'pipe' })
}

beforeEach(async () => {
  execFileSync('ip', ['netns', 'add', name])
  run(`
    sysctl -qw net.ipv6.conf.default.accept_dad=0
    ip link set lo up
    ip link add eth0 type veth peer name eth1
    ip link set eth0 up; ip link set eth1 up
    ip address add 172.18.1.1/24 dev eth0; ip address add fd18::1/64 dev eth0 nodad`)
  await settled()
  subscription = subscribe(
    NETLINK_ROUTE,
    NETWORK_GROUPS,
    {
      onMessage: ({ type }) => news.push(messageName(type)),
      onLost: () => news.push('lost'),
    },
    { netns: `/run/netns/${name}`, filter: NETWORK_FILTER },
  )
})
afterEach(() => {
  subscription.close()
  execFileSync('ip', ['netns', 'delete', name])
  news.length = 0
})

/** Until the kernel has done all that follows a link's coming up. */
async function settled(): Promise<void> {
  await until('no address is tentative', () => !run('ip -6 address').includes('tentative'))
}

test.each([
  ['a link', 'ip link add new type bridge', 'RTM_NEWLINK'],
  ['its end', 'ip link delete eth1', 'RTM_DELLINK'],
  ['its MTU', 'ip link set eth0 mtu 1400', 'RTM_NEWLINK'],
  ['an address', 'ip address add 172.18.2.1/24 dev eth0', 'RTM_NEWADDR'],
  ['its end', 'ip address delete 172.18.1.1/24 dev eth0', 'RTM_DELADDR'],
  ['an IPv6 address', 'ip address add fd18:2::1/64 dev eth0 nodad', 'RTM_NEWADDR'],
  ['a route', 'ip route add default via 172.18.1.2', 'RTM_NEWROUTE'],
  ['an IPv6 route', 'ip -6 route add default via fd18::2', 'RTM_NEWROUTE'],
  ['a rule', 'ip rule add from 10.0.0.0/8 lookup 7', 'RTM_NEWRULE'],
  ['an IPv6 rule', 'ip -6 rule add from fd00::/8 lookup 7', 'RTM_NEWRULE'],
])('%s is news: %s', async (_, command, type) => {
  run(command)
  await until(`${type} is heard`, () => news.includes(type))
})

test('a route of ours to a node is news when somebody takes it away', async () => {
  run('ip route add 10.244.3.0/24 via 172.18.1.2 proto 83')
  await until('it is heard', () => news.length > 0)
  news.length = 0
  run('ip route delete 10.244.3.0/24')
  await until('its end is heard', () => news.includes('RTM_DELROUTE'))
})

test('pods that come and go are none', async () => {
  run('ip link add slc0 type veth peer name slc1; ip link set slc1 up; ip link set slc0 up')
  await settled()
  run(`
    ip route add 10.244.1.2 dev slc0 proto 83 src 172.18.1.1
    ip -6 route add fd10::2 dev slc0 proto 83 src fd18::1
    ip route add unreachable 10.244.1.0/24 proto 83
    ip route delete 10.244.1.2 dev slc0
    ip link delete slc0
    ip link set lo mtu 65000`)
  await until('the last change is heard', () => news.includes('RTM_NEWLINK'))
  expect(news).toEqual(['RTM_NEWLINK'])
})
