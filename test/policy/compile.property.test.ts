import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Address } from '../../src/policy/address.ts'
import { type Cluster, clusterOf } from '../../src/policy/cluster.ts'
import { Compiler } from '../../src/policy/compile.ts'
import { type AddressFlow, decide } from '../../src/policy/decide.ts'
import { isSubject } from '../../src/policy/compile/inventory.ts'
import { evaluate } from '../../src/policy/evaluate.ts'
import { type ClusterEvent, type Direction, keyOf } from '../../src/policy/model.ts'
import { matches } from '../../src/policy/selector.ts'
import type { TableChange, Tables } from '../../src/policy/tables.ts'
import { applyChange } from './apply-change.ts'
import { events, flow } from './arbitraries.ts'
import { check } from './property.ts'
import { EMPTY, idsIn, meaningOf, straddled, verdictsOf } from './tables.ts'

const DIRECTIONS: readonly Direction[] = ['ingress', 'egress']

/** Events in batches of random sizes. */
const batches = events.chain((all) =>
  fc
    .array(fc.integer({ min: 1, max: 6 }), { minLength: all.length, maxLength: all.length })
    .map((sizes) => {
      const cut: ClusterEvent[][] = []
      let at = 0
      for (const size of sizes) {
        if (at < all.length) cut.push(all.slice(at, at + size))
        at += size
      }
      return cut
    }),
)

/** Each change moves one address, two, or all. */
const addressesAtOnce = fc.constantFrom(1, 2, 2000)

const flows = fc.array(flow, { minLength: 250, maxLength: 250, size: 'max' }).map((many) =>
  many.flatMap(({ from, to, ...rest }): AddressFlow[] => {
    if (from.kind !== 'address' || to.kind !== 'address') return []
    return [{ from: from.address, to: to.address, ...rest }]
  }),
)

test('compiler and evaluator agree on every flow', () => {
  let judged = 0
  const property = fc.property(batches, flows, addressesAtOnce, (steps, some, atOnce) => {
    const compiler = new Compiler({ addressesAtOnce: atOnce })
    for (const step of steps) compiler.apply(step)
    const tables = compiler.tables()
    const cluster = clusterOf(steps.flat())
    for (const one of some) {
      for (const direction of DIRECTIONS) {
        const expected = expectedOf(cluster, direction, one)
        if (expected === undefined) continue
        judged++
        expect([one, direction, decide(tables, direction, one)]).toEqual([one, direction, expected])
      }
    }
  })
  check('compiler = evaluator', 1200, property)
  expect(judged).toBeGreaterThan(100_000)
})

/** The evaluator's verdict, but for what nodes send to their own pods: that is not the compiler's business. */
function expectedOf(
  cluster: Cluster,
  direction: Direction,
  { from, to, ...rest }: AddressFlow,
): 'allow' | 'deny' | undefined {
  const subject = direction === 'ingress' ? to : from
  const claims = [...cluster.pods.values()].filter(({ addresses }) => addresses.includes(subject))
  // Somebody else's pod: its own node sees to its policy.
  if (claims.length > 0 && !claims.some(({ local }) => local)) return 'allow'
  const { verdict, never } = evaluate(cluster, {
    from: { kind: 'address', address: from },
    to: { kind: 'address', address: to },
    ...rest,
  })[direction]
  if (never === 'own node') return undefined
  if (verdict === 'depends') throw new Error('A flow between two addresses depends on nothing.')
  return verdict
}

test('after any events the compiler is where a fresh one would be', () => {
  const property = fc.property(batches, addressesAtOnce, (steps, atOnce) => {
    const compiler = new Compiler({ addressesAtOnce: atOnce })
    for (const step of steps) compiler.apply(step)
    const cluster = clusterOf(steps.flat())
    const fresh = new Compiler()
    fresh.apply(objectsOf(cluster))
    expect(compiler.stats()).toEqual(fresh.stats())
    expect(compiler.selected()).toEqual(selectedIn(cluster))
    expect(meaningOf(compiler.tables())).toEqual(meaningOf(fresh.tables()))
  })
  check('incremental = fresh', 1500, property)
})

/** How many subjects of this node each policy selects. */
function selectedIn({ policies, pods }: Cluster): Map<string, number> {
  const subjects = [...pods.values()].filter((pod) => isSubject(pod) && pod.stranger !== true)
  const counts = [...policies].map(([key, { namespace, podSelector }]) => {
    const selected = subjects.filter(
      (pod) => pod.namespace === namespace && matches(podSelector, pod.labels),
    )
    return [key, selected.length] as const
  })
  return new Map(counts.filter(([, count]) => count > 0))
}

function objectsOf(cluster: Cluster): ClusterEvent[] {
  return [
    ...[...cluster.policies.values()].map((policy) => ({ kind: 'policy', policy }) as const),
    ...[...cluster.pods.values()].map((pod) => ({ kind: 'pod', pod }) as const),
    ...[...cluster.namespaces.values()].map(
      (namespace) => ({ kind: 'namespace', namespace }) as const,
    ),
  ]
}

test('the changes lead from each state to the next, and each is safe to straddle', () => {
  const property = fc.property(batches, addressesAtOnce, (steps, atOnce) => {
    const compiler = new Compiler({ addressesAtOnce: atOnce })
    const seen = idsIn(EMPTY)
    const retired = new Set<number>()
    let tables = EMPTY
    for (const step of steps) {
      for (const change of compiler.apply(step)) {
        const next = applyChange(tables, change)
        expectDiffers(tables, change)
        expectFreshIds(tables, next, seen, retired, change)
        expectStraddles(tables, change, next)
        tables = next
      }
      expect(tables).toEqual(compiler.tables())
    }
  })
  check('changes', 1500, property)
})

test('while the changes of one event are made, verdicts are those before it or those after it', () => {
  const property = fc.property(events, addressesAtOnce, (all, atOnce) => {
    const compiler = new Compiler({ addressesAtOnce: atOnce })
    let cluster = clusterOf([])
    all.forEach((event, at) => {
      const [before, changes] = [compiler.tables(), compiler.apply([event])]
      const [old, now] = [verdictsOf(before), verdictsOf(compiler.tables())]
      const itself = new Set(aboutOne(cluster, event))
      cluster = clusterOf(all.slice(0, at + 1))
      let tables = before
      for (const change of changes) {
        tables = applyChange(tables, change)
        const strays = verdictsOf(tables).filter(
          ({ portSet, subject, peer }, pair) =>
            portSet !== old[pair]?.portSet &&
            portSet !== now[pair]?.portSet &&
            !(itself.has(subject) && itself.has(peer)),
        )
        expect(strays).toEqual([])
      }
    })
  })
  check('intermediate states', 1000, property)
})

/** The addresses of the pod that an event is about, before and after: it does not talk to itself. */
function aboutOne(cluster: Cluster, event: ClusterEvent): Address[] {
  const key = event.kind === 'pod' ? keyOf(event.pod) : event.kind === 'podGone' ? event.key : ''
  const before = [...cluster.pods].filter(([other]) => other === key)
  const after = event.kind === 'pod' ? event.pod.addresses : []
  return [...before.flatMap(([, { addresses }]) => addresses), ...after]
}

/** Nothing is mentioned that stays as it was. */
function expectDiffers(before: Tables, change: TableChange): void {
  for (const [address, id] of change.podClasses) {
    expect(before.podClasses.get(address)).not.toBe(id)
  }
  for (const direction of DIRECTIONS) {
    for (const [subject, wanted] of change.subjects[direction]) {
      const held = before.subjects[direction].get(subject)
      if (wanted === undefined) expect(held).toBeDefined()
      else {
        expect(wanted.rows.size > 0 || wanted.default !== held?.default).toBe(true)
        for (const [id, portSet] of wanted.rows) expect(held?.rows.get(id)).not.toBe(portSet)
      }
    }
  }
  const moves = change.podClasses.size + Object.keys(change.blockClasses).length
  const size =
    change.newPortSets.size + change.retiredClasses.length + change.retiredPortSets.length
  expect(moves + size + DIRECTIONS.flatMap((of) => [...change.subjects[of]]).length).not.toBe(0)
}

/** New ids are above all earlier ones; retired ones were in use, and nothing refers to them ever after. */
function expectFreshIds(
  before: Tables,
  after: Tables,
  seen: Set<number>,
  retired: Set<number>,
  change: TableChange,
): void {
  const [inUseBefore, inUse] = [idsIn(before), idsIn(after)]
  for (const id of [...change.retiredClasses, ...change.retiredPortSets]) {
    expect(inUseBefore.has(id)).toBe(true)
    retired.add(id)
  }
  for (const id of inUse) expect(retired.has(id)).toBe(false)
  for (const id of inUse.difference(seen)) {
    const alike = [...seen].filter((other) => other >= 2 ** 31 === id >= 2 ** 31)
    expect(id).toBeGreaterThan(Math.max(0, ...alike))
  }
  for (const id of inUse) seen.add(id)
  // What nothing refers to any more has been retired.
  expect([...inUseBefore.difference(inUse)].filter((id) => !retired.has(id))).toEqual([])
}

/** A packet that reads the class before the change and the verdict after it gets one of the two verdicts. */
function expectStraddles(before: Tables, change: TableChange, after: Tables): void {
  const [old, now] = [verdictsOf(before), verdictsOf(after)]
  const mixtures = verdictsOf(straddled(before, change)).filter(
    ({ portSet }, at) => portSet !== old[at]?.portSet && portSet !== now[at]?.portSet,
  )
  expect(mixtures).toEqual([])
}

test('the objects around two addresses decide and explain as the whole cluster does', () => {
  const property = fc.property(batches, flows, (steps, some) => {
    const compiler = new Compiler()
    for (const step of steps) compiler.apply(step)
    const cluster = clusterOf(steps.flat())
    for (const { from, to, ...rest } of some) {
      const ends = {
        from: { kind: 'address', address: from },
        to: { kind: 'address', address: to },
      } as const
      const around = { ...compiler.around([from, to]), nodes: cluster.nodes }
      expect(evaluate(around, { ...ends, ...rest })).toEqual(
        evaluate(cluster, { ...ends, ...rest }),
      )
    }
  })
  check('around = everything', 100, property)
})
