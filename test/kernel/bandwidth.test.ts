import { setImmediate } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { attachmentIdOf } from '../../src/pods/attachment.ts'
import type { Address, Family } from '../../src/policy/address.ts'
import { openDatagrams } from './datagrams.ts'
import { run } from './node-kernel.ts'
import { ofFamily, SmallCluster } from './small-cluster.ts'

/** How fast a pod's link is, by what arrives and by what `tc` says. */
const cluster = new SmallCluster(1)
const FAMILIES = [4, 6] as const
const DIRECTIONS = ['ingress', 'egress'] as const
/** Bits and bits per second, as the runtime writes them: 1 and 2 MB/s, of which 40 and 64 kB at once. */
const LIMITS = {
  ingressRate: 8_000_000,
  ingressBurst: 320_000,
  egressRate: 16_000_000,
  egressBurst: 512_000,
}
const WINDOW_MS = 500
/** The largest that the link takes: an MTU of 1500, and the Ethernet header. */
const PACKET_BYTES = 1514
/** Without Ethernet, IP and UDP. */
const PAYLOAD_BYTES = { 4: PACKET_BYTES - 14 - 20 - 8, 6: PACKET_BYTES - 14 - 40 - 8 }

beforeAll(async () => {
  await cluster.start()
  await cluster.add(
    { name: 'slow', runtimeConfig: { bandwidth: LIMITS } },
    { name: 'sips', runtimeConfig: { bandwidth: { egressRate: 8_000_000, egressBurst: 1 } } },
    { name: 'free' },
  )
})

afterAll(() => cluster.stop())

describe.each(FAMILIES)('IPv%i', (family) => {
  test.each(DIRECTIONS)('%s is no faster than it may be', async (direction) => {
    const allowed = { rate: LIMITS[`${direction}Rate`] / 8, burst: LIMITS[`${direction}Burst`] / 8 }
    const slow = await flood('slow', direction, family)
    const free = await flood('free', direction, family)
    const most = allowed.burst + allowed.rate * slow.seconds
    console.log(
      `bandwidth, IPv${family} ${direction}: ${slow.bytes} bytes in ${slow.seconds.toFixed(3)} s, ` +
        `${(slow.bytes / most).toFixed(3)} of what may be; ${(free.bytes / slow.bytes).toFixed(0)} times as many without limit`,
    )
    expect(slow.bytes).toBeLessThanOrEqual(most)
    // It is the limit that limits, and it lets pass what may be: with room for a machine that is busy.
    expect(slow.bytes).toBeGreaterThan(most / 2)
    expect(free.bytes).toBeGreaterThan(3 * slow.bytes)
  })
})

test('tc tells of both', () => {
  const [hostEnd, podEnd] = [tc(cluster.node.netns, linkOf('slow')), tc(netnsOf('slow'), 'eth0')]
  // A queue of 25 ms: 40 kB and 25 kB, 64 kB and 50 kB.
  expect(hostEnd).toContain('qdisc tbf 1: root refcnt')
  expect(hostEnd).toMatch(/rate 8Mbit burst 40000b lat 25(\.\d+)?ms/u)
  expect(podEnd).toMatch(/rate 16Mbit burst 64000b lat 25(\.\d+)?ms/u)
  for (const shown of [hostEnd, podEnd])
    expect(shown).toMatch(/dropped [1-9]\d*, overlimits [1-9]/u)
  for (const shown of [tc(cluster.node.netns, linkOf('free')), tc(netnsOf('free'), 'eth0')]) {
    expect(shown).not.toContain('tbf')
  }
})

test('a burst smaller than a packet is one packet, and lets packets pass', async () => {
  expect(tc(cluster.node.netns, linkOf('sips'))).not.toContain('tbf')
  // It computes the bytes from a time, and rounds.
  expect(tc(netnsOf('sips'), 'eth0')).toMatch(/rate 8Mbit burst 151[34]b/u)
  const { bytes } = await flood('sips', 'egress', 4)
  expect(bytes).toBeGreaterThan(10 * PACKET_BYTES)
})

test.each([
  ['a rate without a burst', { ingressRate: 8_000_000 }],
  ['a burst without a rate', { egressBurst: 8_000_000 }],
])('%s is refused', async (_, bandwidth) => {
  const name = `odd-${Object.keys(bandwidth)[0]?.toLowerCase()}`
  await cluster.declare({ name, runtimeConfig: { bandwidth } })
  await expect(cluster.attach(name)).rejects.toThrow(
    "The network configuration's runtimeConfig.bandwidth must have a burst for each rate and a rate for each burst (code 7)",
  )
})

/** Sends between pod and node as fast as can be, and tells what arrived in which time. */
async function flood(
  name: string,
  direction: 'ingress' | 'egress',
  family: Family,
): Promise<{ bytes: number; seconds: number }> {
  const pod = openDatagrams(netnsOf(name), { address: of(name, family), port: 5000 })
  const node = openDatagrams(cluster.node.netns, { address: nodeAddress(family), port: 5000 })
  const [from, to] = direction === 'ingress' ? [node, pod] : [pod, node]
  const target = direction === 'ingress' ? of(name, family) : nodeAddress(family)
  try {
    const start = performance.now()
    let packets = 0
    while (performance.now() < start + WINDOW_MS) {
      from.sendMany({ address: target, port: 5000 }, 20, PAYLOAD_BYTES[family])
      packets += to.arrived()
      await setImmediate()
    }
    packets += to.arrived()
    const seconds = (performance.now() - start) / 1000
    return { bytes: packets * PACKET_BYTES, seconds }
  } finally {
    for (const socket of [pod, node]) socket.close()
  }
}

function tc(netns: string, link: string): string {
  return run(netns, 'tc', '-s', 'qdisc', 'show', 'dev', link)
}

function linkOf(name: string): string {
  const { containerId } = cluster.pod(name).sandbox
  return attachmentIdOf({ containerId, ifName: 'eth0' })
}

function netnsOf(name: string): string {
  return cluster.pod(name).netns
}

function nodeAddress(family: Family): Address {
  return ofFamily(cluster.node.addresses.own, family)
}

function of(name: string, family: Family): Address {
  return ofFamily(cluster.pod(name).addresses, family)
}
