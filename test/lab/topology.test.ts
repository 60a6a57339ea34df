import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { addressPlan, nodeAddresses } from '../../src/lab/address-plan.ts'
import { LAB_ROOTS, labPaths } from '../../src/lab/lab-paths.ts'
import { OutsideWorld } from '../../src/lab/outside-world.ts'
import { Place } from '../../src/lab/place.ts'
import type { ProbeProtocol } from '../../src/lab/place-messages.ts'
import { addOutsideAddresses, buildTopology } from '../../src/lab/topology.ts'
import { deleteNamespace } from '../../src/netlink/native.ts'
import { formatAddress } from '../../src/policy/address.ts'
import { address } from '../policy/literals.ts'

const roots = { ...LAB_ROOTS, netns: mkdtempSync(join(tmpdir(), 'sluice-topology-')) }
const paths = labPaths(roots, 'topology')
const plan = addressPlan([4, 6])
const nodes = [0, 1].map((place) => ({
  netns: paths.netns(`node-${place}`),
  addresses: nodeAddresses(plan, place),
}))
const places: Place[] = []

beforeAll(() => {
  mkdirSync(roots.netns, { recursive: true })
  buildTopology(paths, nodes, plan)
})

afterAll(async () => {
  await Promise.all(places.map((place) => place.close()))
  for (const file of readdirSync(roots.netns)) deleteNamespace(join(roots.netns, file))
  rmSync(roots.netns, { recursive: true })
})

/** An address of a node's pod range, on the node itself: routes lead there as to a pod. */
function standIns(place: number): string[] {
  return [`10.244.${place}.9`, `fd00:10:244:${place}::9`]
}

describe('a topology of two nodes', () => {
  const services: readonly ProbeProtocol[] = ['TCP', 'UDP', 'SCTP', 'ICMP']

  test('joins pods of both nodes and the outside world, in both families', async () => {
    const outsideAddresses = ['203.0.113.10', '2001:db8::10']
    const ends = [
      { name: 'a', netns: nodes[0]?.netns ?? '', addresses: standIns(0) },
      { name: 'b', netns: nodes[1]?.netns ?? '', addresses: standIns(1) },
      { name: 'outside', netns: paths.netns('outside'), addresses: outsideAddresses },
    ].map(({ name, netns, addresses }) => {
      if (name !== 'outside') addOutsideAddresses(netns, addresses.map(address))
      const place = new Place({ name, netns })
      places.push(place)
      return { name, place, addresses }
    })
    const world = new OutsideWorld(paths.netns('outside'), plan)
    for (const one of outsideAddresses) world.admit(address(one))

    await Promise.all(
      ends.map(({ place, addresses }) =>
        place.listen(
          addresses.flatMap((one) =>
            (['TCP', 'UDP', 'SCTP'] as const).map((protocol) => {
              return { protocol, address: one, port: 80 }
            }),
          ),
        ),
      ),
    )
    for (const from of ends) {
      for (const to of ends) {
        for (const family of [0, 1]) {
          for (const protocol of services) {
            const outcome = await from.place.knock({
              protocol,
              from: from.addresses[family] ?? '',
              to: to.addresses[family] ?? '',
              port: protocol === 'ICMP' ? undefined : 80,
              timeoutMs: 2000,
            })
            const by = protocol === 'ICMP' ? to.addresses[family] : to.name
            expect(outcome, `${from.name} ${to.name} ${protocol}`).toEqual({ kind: 'answered', by })
          }
        }
      }
    }
  })

  test('a port where nobody listens, and an address that nobody has, do not answer', async () => {
    const from = standIns(0)[0] ?? ''
    const place = new Place({ name: 'c', netns: nodes[0]?.netns ?? '' })
    places.push(place)
    const knock = { protocol: 'TCP', from, port: 81, timeoutMs: 300 } as const
    const refused = await place.knock({ ...knock, to: from })
    expect(refused).toEqual({ kind: 'unanswered', detail: 'refused with ECONNREFUSED' })
    const foreign = await place.knock({ ...knock, from: '192.0.2.1', to: from })
    expect(foreign).toMatchObject({ kind: 'unsent' })
  })

  test.each([
    ['10.244.1.77', 'it lies in the pod range, and no pod of the lab has it'],
    ['172.18.0.99', 'it lies in the node range, and no node of the lab has it'],
    ['127.0.0.1', 'it is a loopback address'],
    ['fe80::1', 'it is a link-local address'],
    ['224.0.0.1', 'it is a multicast address'],
  ])('the outside world does not take %s', (text, why) => {
    const world = new OutsideWorld(paths.netns('outside'), plan)
    expect(() => world.admit(address(text))).toThrow(
      `Nothing can have ${formatAddress(address(text))}: ${why}.`,
    )
  })

  test('the outside world of one family does not take the other', () => {
    const world = new OutsideWorld(paths.netns('outside'), addressPlan([4]))
    expect(() => world.admit(address('2001:db8::1'))).toThrow('the lab runs without IPv6')
  })
})
