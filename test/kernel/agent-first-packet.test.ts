import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Address, type Family, ip4, ip6 } from '../../src/policy/address.ts'
import { type Datagrams, openDatagrams } from './datagrams.ts'
import { IPPROTO_UDP, protocolOf, watchFrames } from './frames.ts'
import { counted } from './node-kernel.ts'
import { ofFamily, policy, SmallCluster } from './small-cluster.ts'
import { until } from './until.ts'

/** Policy comes before packets: whoever knows a pod's next address in advance reaches nothing. */
const cluster = new SmallCluster(2)
const FAMILIES = [4, 6] as const
const STARTS = 32
const PORT = 5000

interface Source {
  readonly family: Family
  readonly socket: Datagrams
}

let sources: readonly Source[]
let flooding: NodeJS.Immediate
let target: readonly Address[] = []
let floods = 0

beforeAll(async () => {
  await cluster.start()
  await cluster.enforce(
    policy('shut', undefined, { policyTypes: ['Ingress'] }),
    policy('open', 'open', { ingress: [{}] }),
  )
  await cluster.add({ name: 'near' }, { name: 'far', on: 1 })
  sources = FAMILIES.flatMap((family) => {
    const from = (netns: string, address: Address): Source => {
      return { family, socket: openDatagrams(netns, { address, port: 6000 }) }
    }
    const pods = ['near', 'far'].map((name) => cluster.pod(name))
    return [
      ...pods.map(({ netns, addresses }) => from(netns, ofFamily(addresses, family))),
      from(cluster.outside, cluster.outsideAddress(family)),
    ]
  })
})

afterAll(async () => {
  clearImmediate(flooding)
  for (const { socket } of sources ?? []) socket.close()
  await cluster.stop()
})

test(`${STARTS} starts under a flood: no packet arrives`, async () => {
  const names = Array.from({ length: STARTS }, (_, place) => `new${place}`)
  await cluster.declare(...names.map((name) => ({ name })), { name: 'open' })
  target = cluster.pod('near').addresses.map(following)
  flood()
  const before = counted(cluster.node.netns, 'denied_ingress')
  const arrived: number[] = []
  for (const name of names) arrived.push(await arrivalsAt(name))
  expect(arrived).toEqual(Array(STARTS).fill(0))
  // The flood did meet these pods, and meets one that anyone may reach.
  expect(counted(cluster.node.netns, 'denied_ingress')).toBeGreaterThan(before + STARTS)
  expect(await arrivalsAt('open')).toBeGreaterThan(0)
})

/** Attaches the pod while the flood is on, and counts what comes until some time after. */
async function arrivalsAt(name: string): Promise<number> {
  const seen = watchFrames(cluster.pod(name).netns)
  try {
    const { addresses } = await cluster.attach(name)
    expect(addresses).toEqual(target)
    const then = floods
    await until('the flood went on', () => floods > then + 5)
    return seen.packets().filter((packet) => protocolOf(packet) === IPPROTO_UDP).length
  } finally {
    seen.close()
    target = target.map(following)
  }
}

/** Again and again until the test ends, between everything else. */
function flood(): void {
  for (const { family, socket } of sources) {
    socket.sendMany({ address: ofFamily(target, family), port: PORT }, 10)
  }
  floods++
  flooding = setImmediate(flood)
}

/** Addresses are given out in order. */
function following(address: Address): Address {
  return typeof address === 'number' ? ip4(address + 1) : ip6(address + 1n)
}
