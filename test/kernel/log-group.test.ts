import { afterEach, beforeEach, expect, test } from 'vitest'
import { LogReader } from '../../src/flows/log-reader.ts'
import type { LoggedPacket } from '../../src/flows/logged-packet.ts'
import { followLogGroup } from '../../src/netlink/follow-log-group.ts'
import type { Subscription } from '../../src/netlink/subscribe.ts'
import { ip4 } from '../../src/policy/address.ts'
import { type Datagrams, openDatagrams } from './datagrams.ts'
import { type Namespace, openNamespace } from './nftables-namespace.ts'
import { until } from './until.ts'

const GROUP = 7
const LOCALHOST = ip4(0x7f00_0001)
const SETTINGS = { copyBytes: 96, queuePackets: 32, flushCentiseconds: 1 }
/** What was logged of the flood, and of what follows it. */
const FLOOD_PORT = 9
const LATER_PORT = 10
const FLOOD = 50_000

let namespace: Namespace
let client: Datagrams
let subscription: Subscription | undefined

beforeEach(() => {
  namespace = openNamespace('log')
  namespace.run(['ip', 'link', 'set', 'lo', 'up'])
  namespace.nft(
    ['-f', '-'],
    `table inet logging {
      chain in {
        type filter hook input priority 0
        udp dport { ${FLOOD_PORT}, ${LATER_PORT} } log prefix "sluice:egress" group ${GROUP} drop
      }
    }`,
  )
  client = openDatagrams(namespace.path, { address: LOCALHOST, port: 0 })
})

afterEach(() => {
  subscription?.close()
  client.close()
  namespace.close()
})

test('a flood that nobody reads in time is counted, and what follows it is read', async () => {
  const reader = new LogReader()
  const read: LoggedPacket[] = []
  let overruns = 0
  subscription = followLogGroup(
    GROUP,
    SETTINGS,
    {
      onMessage: (message) => {
        const logged = reader.read(message)
        if (logged !== undefined) read.push(logged)
      },
      onLost: () => {
        overruns += 1
      },
    },
    { netns: namespace.path, receiveBufferBytes: 64 << 10 },
  )
  // The event loop does not turn meanwhile.
  client.sendMany({ address: LOCALHOST, port: FLOOD_PORT }, FLOOD)
  await until('the kernel says that something was lost', () => overruns > 0)
  // Until all that waits is read, the kernel drops what comes.
  let sent = FLOOD
  await until('a later packet comes', () => {
    client.send({ address: LOCALHOST, port: LATER_PORT })
    sent += 1
    return read.some(({ packet }) => packet.destinationPort === LATER_PORT)
  })
  await until('all that was sent was read, or is lost', () => read.length + reader.lost === sent)
  expect(reader.lost).toBeGreaterThan(0)
  expect(reader.unreadable).toBe(0)
})
