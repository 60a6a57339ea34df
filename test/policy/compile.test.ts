import { describe, expect, test } from 'vitest'
import type { Address } from '../../src/policy/address.ts'
import { Compiler } from '../../src/policy/compile.ts'
import { Owners } from '../../src/policy/compile/owners.ts'
import { classOf, decide } from '../../src/policy/decide.ts'
import { evaluate } from '../../src/policy/evaluate.ts'
import type { Cluster } from '../../src/policy/cluster.ts'
import type { Endpoint } from '../../src/policy/flow.ts'
import { type ClusterEvent, keyOf } from '../../src/policy/model.ts'
import { unionOf } from '../../src/policy/port-set.ts'
import { type PortSetId, type TableChange, WORLD } from '../../src/policy/tables.ts'
import { applyChange } from './apply-change.ts'
import { CASES, clusterOfCase, flowOf } from './cases.ts'
import { address, port } from './literals.ts'
import {
  ALL,
  added,
  blockPeer,
  labelsOf,
  named,
  podOf,
  podsOf,
  policyOf,
  ruleOf,
  selectorOf,
  tcp,
} from './models.ts'
import { meaningOf } from './tables.ts'

describe.each(CASES)('$name', (given) => {
  const cluster = clusterOfCase(given)
  const tables = compiled(cluster).tables()
  // What depends on the address is for the evaluator: packets have one.
  const flows = given.flows.filter(([, , , expected]) => expected !== 'depends')
  test.each(flows)('%s to %s, %s: %s', (...words) => {
    const flow = flowOf(words)
    const { egress, ingress } = evaluate(cluster, flow)
    for (const from of addressesOf(cluster, flow.from)) {
      for (const to of addressesOf(cluster, flow.to)) {
        if (typeof from !== typeof to) continue
        const one = { from, to, protocol: flow.protocol, ...(flow.port && { port: flow.port }) }
        // A node reaches its own pods; the compiler does not know which node is its own.
        const into = ingress.never === 'own node' ? 'allow' : decide(tables, 'ingress', one)
        const outOf = egress.never === 'own node' ? 'allow' : decide(tables, 'egress', one)
        expect(into === 'allow' && outOf === 'allow' ? 'allow' : 'deny').toBe(words[3])
      }
    }
  })
})

/** A compiler of this cluster, where every pod that owns its addresses is local. */
function compiled(cluster: Cluster): Compiler {
  const pods = [...cluster.pods.values()]
  const owners = new Owners()
  for (const pod of pods) owners.claim(pod)
  const compiler = new Compiler()
  compiler.apply([
    ...[...cluster.namespaces.values()].map(
      (namespace): ClusterEvent => ({ kind: 'namespace', namespace }),
    ),
    ...pods.map((pod): ClusterEvent => {
      const local = pod.addresses.every((claimed) => owners.of(claimed) === pod)
      return { kind: 'pod', pod: { ...pod, local } }
    }),
    ...added(...cluster.policies.values()),
  ])
  return compiler
}

function addressesOf(cluster: Cluster, end: Endpoint): readonly Address[] {
  if (end.kind === 'address') return [end.address]
  return cluster.pods.get(end.key)?.addresses ?? []
}

const DB = podOf('a/db', 'app=db', ['10.0.0.1', 'fd00::1'], { local: true })
const WEB = podOf('a/web', 'app=web', ['10.0.0.2', 'fd00::2'])
const API = podOf('a/api', 'app=api', ['10.0.0.3'])
const FROM_WEB = policyOf('a/from-web', {
  podSelector: selectorOf('app=db'),
  ingress: [ruleOf([podsOf('app=web')], [tcp(5432)])],
})

function running(...events: readonly ClusterEvent[]): Compiler {
  const compiler = new Compiler()
  compiler.apply(events)
  return compiler
}

/** What a change does, in a word each. */
function shapeOf({ podClasses, blockClasses, subjects, ...rest }: TableChange): string {
  const moves = podClasses.size + Object.keys(blockClasses).length
  const rows = [...subjects.ingress.values(), ...subjects.egress.values()]
  const parts = {
    moves,
    subjects: rows.length,
    rows: rows.reduce((sum, change) => sum + (change?.rows.size ?? 0), 0),
    'new port sets': rest.newPortSets.size,
    'retired classes': rest.retiredClasses.length,
    'retired port sets': rest.retiredPortSets.length,
  }
  return Object.entries(parts)
    .filter(([, count]) => count > 0)
    .map(([what, count]) => `${count} ${what}`)
    .join(', ')
}

describe('changes', () => {
  test('a policy that selects nobody here costs nothing', () => {
    const compiler = running(...added(WEB, { ...DB, local: false }))
    expect(compiler.apply(added(FROM_WEB))).toEqual([])
    expect(compiler.stats()).toMatchObject({ policies: 0, traits: 0, classes: 1, rows: 0 })
  })

  test('a policy that comes into force first moves addresses, then switches verdicts', () => {
    const changes = running(...added(DB, WEB, API)).apply(added(FROM_WEB))
    expect(changes.map(shapeOf)).toEqual(['2 moves', '2 subjects, 2 rows, 2 new port sets'])
  })

  test('a policy that goes first switches verdicts, then moves addresses', () => {
    const changes = running(...added(DB, WEB, API, FROM_WEB)).apply([
      { kind: 'policyGone', key: 'a/from-web' },
    ])
    expect(changes.map(shapeOf)).toEqual([
      '2 subjects, 2 retired port sets',
      '2 moves, 1 retired classes',
    ])
  })

  test('a new version of a policy: the new peer first, then the verdicts, then the old peer', () => {
    const compiler = running(...added(DB, WEB, API, FROM_WEB))
    const edited = { ...FROM_WEB, ingress: [ruleOf([podsOf('app=api')], [tcp(5432)])] }
    expect(compiler.apply(added(edited)).map(shapeOf)).toEqual([
      '1 moves',
      '2 subjects, 4 rows',
      '2 moves, 1 retired classes',
    ])
  })

  test('the same policy again changes nothing', () => {
    const compiler = running(...added(DB, WEB, FROM_WEB))
    const before = compiler.tables()
    expect(compiler.apply(added({ ...FROM_WEB }))).toEqual([])
    expect(compiler.apply(added(FROM_WEB))).toEqual([])
    expect(compiler.tables()).toEqual(before)
  })

  test('a pod elsewhere like others is one move an address', () => {
    const compiler = running(...added(DB, WEB, FROM_WEB))
    const other = podOf('a/web-2', 'app=web', ['10.0.0.9'])
    expect(compiler.apply(added(other)).map(shapeOf)).toEqual(['1 moves'])
    expect(classOf(compiler.tables(), address('10.0.0.9'))).toBe(
      classOf(compiler.tables(), address('10.0.0.2')),
    )
  })

  test('many pods share one change', () => {
    const compiler = running(...added(DB, FROM_WEB))
    expect(compiler.apply(added(WEB, API)).map(shapeOf)).toEqual([
      '3 moves, 2 subjects, 2 rows, 1 new port sets',
    ])
  })

  test('what is said of a pod wired here keeps its place among the changes', () => {
    const compiler = running(...added(DB, WEB, FROM_WEB))
    const open = { ...DB, labels: labelsOf('app=open') }
    const changes = compiler.apply(added({ ...WEB, labels: labelsOf('') }, open))
    expect(changes.map(shapeOf)).toEqual([
      '2 moves, 2 subjects, 2 rows, 1 retired classes, 1 retired port sets',
      '2 subjects, 1 retired port sets',
    ])
  })

  test('a change leaves the tables before it as they were', () => {
    const compiler = running(...added(DB, WEB, FROM_WEB))
    const [before, copy] = [compiler.tables(), compiler.tables()]
    for (const change of compiler.apply([{ kind: 'podGone', key: keyOf(WEB) }])) {
      applyChange(before, change)
    }
    expect(before).toEqual(copy)
    expect(compiler.tables()).not.toEqual(copy)
  })
})

describe('classes', () => {
  test('addresses that no policy in force tells apart are the world', () => {
    const tables = running(...added(DB, WEB, API, FROM_WEB)).tables()
    expect(classOf(tables, address('10.0.0.3'))).toBe(WORLD)
    expect(classOf(tables, address('10.0.0.2'))).not.toBe(WORLD)
  })

  test('both addresses of a pod have one class until a block tells them apart', () => {
    const compiler = running(...added(DB, WEB, FROM_WEB))
    const both = (): number[] =>
      ['10.0.0.2', 'fd00::2'].map((text) => classOf(compiler.tables(), address(text)))
    expect(new Set(both()).size).toBe(1)
    const block = policyOf('a/block', { ingress: [ruleOf([blockPeer('10.0.0.0/24')])] })
    compiler.apply(added(block))
    expect(new Set(both()).size).toBe(2)
    compiler.apply([{ kind: 'policyGone', key: keyOf(block) }])
    expect(new Set(both()).size).toBe(1)
  })

  test('a port name in an egress rule to everyone counts for pods that come later', () => {
    const compiler = running(
      ...added(DB, policyOf('a/out', { egress: [ruleOf('everyone', [named('http')])] })),
    )
    const http = { name: 'http', protocol: 'TCP', port: port(8080) } as const
    compiler.apply(added({ ...API, namedPorts: [http] }))
    const flow = { from: address('10.0.0.1'), to: address('10.0.0.3'), protocol: 'TCP' } as const
    expect(decide(compiler.tables(), 'egress', { ...flow, port: 8080 })).toBe('allow')
    expect(decide(compiler.tables(), 'egress', { ...flow, port: 80 })).toBe('deny')
    compiler.apply(added({ ...API, namedPorts: [{ ...http, port: port(80) }] }))
    expect(decide(compiler.tables(), 'egress', { ...flow, port: 80 })).toBe('allow')
  })

  test('a class is kept while pods come and go', () => {
    const compiler = running(...added(DB, WEB, FROM_WEB))
    const held = classOf(compiler.tables(), address('10.0.0.2'))
    const [twin] = added(podOf('a/twin', 'app=web', ['10.0.0.9']))
    if (twin !== undefined) compiler.apply([{ kind: 'podGone', key: keyOf(WEB) }, twin])
    expect(classOf(compiler.tables(), address('10.0.0.9'))).toBe(held)
  })
})

describe('a restarted compiler', () => {
  const closed = policyOf('a/closed', { ingress: [] })
  const nothing = unionOf([])

  test('gives class ids above those that the kernel holds', () => {
    const compiler = new Compiler({ firstClass: 1000 })
    compiler.apply(added(DB, WEB, FROM_WEB))
    expect(new Set(compiler.tables().podClasses.values())).toEqual(new Set([WORLD, 1000]))
  })

  test('takes a port set of the same content over, and numbers others above all', () => {
    const known = 0x8000_0123 as PortSetId
    const compiler = new Compiler({ portSetIds: [[known, nothing]] })
    compiler.apply(added(DB, WEB, FROM_WEB))
    expect(new Set(compiler.tables().portSets.keys())).toEqual(new Set([known, known + 1]))
    expect(compiler.tables().portSets.get(known)).toEqual(nothing)
  })

  test('does not give the id of a retired port set again', () => {
    const known = 0x8000_0123 as PortSetId
    const compiler = new Compiler({ portSetIds: [[known, nothing]] })
    compiler.apply(added(DB, closed))
    compiler.apply([{ kind: 'policyGone', key: 'a/closed' }])
    compiler.apply(added(closed))
    expect([...compiler.tables().portSets.keys()]).toEqual([known + 1])
  })
})

test('everything goes with the last local pod', () => {
  const all = policyOf('a/all', {
    ingress: [ruleOf([podsOf('app=web', ALL), blockPeer('10.0.0.0/8', '10.1.0.0/16')])],
    egress: [ruleOf([blockPeer('::/0')], [named('http')])],
  })
  const compiler = running(...added(WEB, API, DB, FROM_WEB, all))
  expect(compiler.stats()).toMatchObject({ policies: 2, traits: 5, localPods: 1 })
  compiler.apply([{ kind: 'podGone', key: keyOf(DB) }])
  expect(compiler.stats()).toEqual({
    policies: 0,
    traits: 0,
    classes: 1,
    portSets: 0,
    profiles: 0,
    localPods: 0,
    rows: 0,
  })
})

describe('steps', () => {
  const edit = added(DB, WEB, API)

  test('each looks at no more addresses than it may', () => {
    const compiler = new Compiler({ addressesAtOnce: 1 })
    compiler.apply(edit)
    const changes = compiler.apply(added(FROM_WEB))
    expect(changes.map(shapeOf)).toEqual([
      '1 moves',
      '1 moves',
      '2 subjects, 2 rows, 2 new port sets',
    ])
  })

  test('whoever stops taking them has had all events taken in', () => {
    const compiler = new Compiler({ addressesAtOnce: 1 })
    for (const step of compiler.steps([...edit, ...added(FROM_WEB)])) {
      if (step !== 'pause') break
    }
    expect(meaningOf(compiler.tables())).toEqual(
      meaningOf(running(...edit, ...added(FROM_WEB)).tables()),
    )
  })
})
