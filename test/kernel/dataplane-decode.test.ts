import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Dataplane } from '../../src/dataplane/dataplane.ts'
import { keyOfHostPort } from '../../src/dataplane/host-ports.ts'
import { readState } from '../../src/dataplane/inspect.ts'
import { FAMILIES, type KernelState, tablesOf } from '../../src/dataplane/kernel-state.ts'
import { sets } from '../../src/dataplane/sets.ts'
import { allSets, tableReference } from '../../src/dataplane/table.ts'
import { commit } from '../../src/nftables/commit.ts'
import { listElements } from '../../src/nftables/list.ts'
import type { SetNode } from '../../src/nftables/set.ts'
import type { Transaction } from '../../src/nftables/transaction.ts'
import { type Address, familyOf } from '../../src/policy/address.ts'
import type { Compiler } from '../../src/policy/compile.ts'
import { event, events, POD_ADDRESSES } from '../policy/arbitraries.ts'
import { type Namespace, openNamespace } from './nftables-namespace.ts'
import { dyingAfter, startDataplane } from './start-dataplane.ts'

/** The kernel holds what the compiler meant: read back element for element, by ourselves and by nft. */
let namespace: Namespace

beforeAll(() => {
  namespace = openNamespace('decode')
})
afterAll(() => namespace.close())
afterEach(() => namespace.nft(['flush', 'ruleset']))

const localChange = fc.record({
  kind: fc.constant('local' as const),
  address: fc.constantFrom(...POD_ADDRESSES[4], ...POD_ADDRESSES[6]),
  interface: fc.constantFrom('slc000000000001', 'slc000000000002', undefined),
})
const hostPort = fc.constantFrom(4 as const, 6 as const).chain((family) =>
  fc.record({
    protocol: fc.constantFrom('TCP' as const, 'UDP' as const, 'SCTP' as const),
    hostIp: fc.constantFrom(undefined, ...POD_ADDRESSES[family].slice(0, 1)),
    hostPort: fc.constantFrom(1, 8080, 65535),
    address: fc.constantFrom(...POD_ADDRESSES[family]),
    containerPort: fc.constantFrom(1, 80, 65535),
  }),
)
const hostPortChange = fc.record({
  kind: fc.constant('hostPorts' as const),
  wanted: fc.uniqueArray(hostPort, { selector: keyOfHostPort, maxLength: 6 }),
})
const steps = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: event },
    { weight: 1, arbitrary: localChange },
    { weight: 1, arbitrary: hostPortChange },
  ),
  { minLength: 10, maxLength: 40, size: 'max' },
)

describe('the table read back', () => {
  test('is what the compiler means and what the agent believes, after each event', async () => {
    let readBack = 0
    await check('decode', 25, steps, async (sequence) => {
      namespace.nft(['flush', 'ruleset'])
      const { compiler, dataplane } = await startDataplane(namespace.socket, { events: [] })
      for (const step of sequence) {
        if (step.kind === 'hostPorts') await dataplane.setHostPorts(step.wanted)
        else if (step.kind === 'local') await wire(dataplane, step.address, step.interface)
        else await applyAll(dataplane, compiler.apply([step]))
        await expectAgreement(compiler, dataplane)
        readBack += 1
      }
      await expectSameCounts(dataplane.state)
    })
    console.log(`decode: ${readBack} steps read back`)
  })

  test('has nothing of a change that was refused halfway, once it has been put right', async () => {
    await check(
      'refused',
      25,
      fc.tuple(events, events, fc.nat(6)),
      async ([before, after, left]) => {
        namespace.nft(['flush', 'ruleset'])
        let send = (transaction: Transaction): void => commit(namespace.socket, transaction)
        const { compiler, dataplane } = await startDataplane(namespace.socket, {
          events: before,
          commit: (transaction) => send(transaction),
        })
        const changes = compiler.apply(after)
        send = dyingAfter(left, send)
        await applyAll(dataplane, changes).catch(() => undefined)
        const held = await readState(namespace.socket)
        expect(tablesOf(held).subjects).toEqual(dataplane.tables().subjects)
        send = (transaction) => commit(namespace.socket, transaction)
        await dataplane.reconcile(compiler.tables())
        await expectAgreement(compiler, dataplane)
      },
    )
  })

  test('is the same for a successor that starts where its predecessor died', async () => {
    await check('died', 25, fc.tuple(events, events, fc.nat(6)), async ([before, after, left]) => {
      namespace.nft(['flush', 'ruleset'])
      let send = (transaction: Transaction): void => commit(namespace.socket, transaction)
      const first = await startDataplane(namespace.socket, {
        events: before,
        commit: (transaction) => send(transaction),
      })
      const changes = first.compiler.apply(after)
      send = dyingAfter(left, send)
      await applyAll(first.dataplane, changes).catch(() => undefined)
      const { found, compiler, dataplane } = await startDataplane(namespace.socket, {
        events: [...before, ...after],
      })
      expect(found.obstacle).toBeUndefined()
      await expectAgreement(compiler, dataplane)
    })
  })
})

async function check<T>(
  name: string,
  numRuns: number,
  arbitrary: fc.Arbitrary<T>,
  property: (value: T) => Promise<unknown>,
): Promise<void> {
  const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31))
  console.log(`${name}: SEED=${seed}`)
  await fc.assert(
    fc.asyncProperty(arbitrary, async (value) => void (await property(value))),
    { seed, numRuns },
  )
}

async function wire(dataplane: Dataplane, address: Address, name: string | undefined) {
  if (name === undefined) await dataplane.detach([address])
  else await dataplane.attach({ addresses: [address], hostInterface: name, hostPorts: [] })
}

async function applyAll(dataplane: Dataplane, changes: ReturnType<Compiler['apply']>) {
  for (const change of changes) await dataplane.apply(change)
  await dataplane.outlive()
  await dataplane.tidy()
}

async function expectAgreement(compiler: Compiler, dataplane: Dataplane): Promise<void> {
  const held = await readState(namespace.socket)
  expect(held).toEqual(dataplane.state)
  expect(tablesOf(held)).toEqual(compiler.tables())
  for (const family of FAMILIES) {
    const own = [...dataplane.state.locals.keys()].filter((one) => familyOf(one) === family)
    expect(await keysOf(sets.local[family])).toEqual(new Set(own.map(String)))
    expect(await keysOf(sets.self[family])).toEqual(new Set(own.map((one) => String([one, one]))))
  }
}

async function keysOf(set: SetNode): Promise<Set<string>> {
  const elements = await listElements(namespace.socket, tableReference('sluice'), set)
  return new Set(elements.map(({ key }) => String(key)))
}

/** nft, of the oldest version that we support, lists the table and counts as many elements in each set. */
async function expectSameCounts(state: KernelState): Promise<void> {
  expect(namespace.nft(['list', 'table', 'inet', 'sluice'])).toContain('chain forward')
  const counts = countsByNft()
  for (const set of allSets) {
    const elements = await listElements(namespace.socket, tableReference('sluice'), set)
    expect([set.name, counts.get(set.name)]).toEqual([set.name, elements.length])
  }
  for (const family of FAMILIES) {
    const count = (addresses: Iterable<Address>): number =>
      [...addresses].filter((one) => familyOf(one) === family).length
    expect(counts.get(`pod_class${family}`)).toBe(count(state.podClasses.keys()))
    expect(counts.get(`in_pods${family}`)).toBe(count(state.subjects.ingress.keys()))
    expect(counts.get(`out_default${family}`)).toBe(count(state.subjects.egress.keys()))
    // The catch-all is not among the blocks.
    expect(counts.get(`block_class${family}`)).toBe(state.blockClasses[family].length + 1)
  }
}

function countsByNft(): Map<string, number> {
  const listed: { nftables: Record<string, { name: string; elem?: unknown[] }>[] } = JSON.parse(
    namespace.nft(['-j', 'list', 'table', 'inet', 'sluice']),
  )
  return new Map(
    listed.nftables.flatMap((object) => {
      const set = object['set'] ?? object['map']
      return set === undefined ? [] : [[set.name, set.elem?.length ?? 0] as const]
    }),
  )
}
