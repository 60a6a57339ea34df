import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { LocalAttachment, ToldPod } from '../../src/cluster/local-pods.ts'
import { idOf, subjectOf } from '../../src/cluster/source-change.ts'
import type { SourceChange, SourceObject } from '../../src/cluster/source-change.ts'
import { ClusterState } from '../../src/cluster/state.ts'
import { clusterOf } from '../../src/policy/cluster.ts'
import { ip4 } from '../../src/policy/address.ts'
import { type ClusterEvent, keyOf, type NetworkPolicy, type Pod } from '../../src/policy/model.ts'
import { EVERYTHING } from '../../src/policy/selector.ts'
import * as arbitraries from '../policy/arbitraries.ts'

const KINDS = ['namespace', 'pod', 'policy', 'node'] as const

const pod: Pod = {
  namespace: 'shop',
  name: 'web-0',
  uid: 'one',
  labels: new Map([['app', 'web']]),
  addresses: [ip4(1)],
  namedPorts: [],
  createdAt: 7,
  node: 'n2',
  local: false,
}
const attachment: LocalAttachment = {
  id: 'c1',
  namespace: 'shop',
  name: 'web-0',
  uid: 'one',
  node: 'n1',
  addresses: [ip4(9)],
}
const policy: NetworkPolicy = {
  namespace: 'shop',
  name: 'web',
  podSelector: EVERYTHING,
  ingress: [{ peers: 'everyone', ports: 'all' }],
  egress: undefined,
}
const salvage: NetworkPolicy = { ...policy, ingress: [], egress: [], invalid: 'it is wrong' }
const refusal: SourceChange = {
  kind: 'refused',
  subject: { object: 'policy', key: 'shop/web' },
  problems: ['spec: it is wrong'],
  salvage: { kind: 'policy', policy: salvage },
}

function stateOf(...changes: SourceChange[]): ClusterState {
  const state = new ClusterState()
  state.apply(changes)
  return state
}

describe('what the source says', () => {
  test('is told once', () => {
    const state = new ClusterState()
    expect(state.apply([{ kind: 'pod', pod }])).toEqual([{ kind: 'pod', pod }])
    expect(state.apply([{ kind: 'pod', pod: { ...pod, labels: new Map(pod.labels) } }])).toEqual([])
  })

  test('and again when any part of it differs', () => {
    const labels = new Map([['app', 'db']])
    const state = stateOf({ kind: 'pod', pod })
    expect(state.apply([{ kind: 'pod', pod: { ...pod, labels } }])).toEqual([
      { kind: 'pod', pod: { ...pod, labels } },
    ])
  })

  test('what was not there does not go', () => {
    const gone: SourceChange[] = [
      { kind: 'gone', subject: { object: 'pod', key: 'shop/web-0' } },
      { kind: 'gone', subject: { object: 'policy', key: 'shop/web' } },
      { kind: 'gone', subject: { object: 'namespace', key: 'shop' } },
      { kind: 'gone', subject: { object: 'node', key: 'n1' } },
    ]
    expect(new ClusterState().apply(gone)).toEqual([])
  })

  test('a snapshot removes what it does not mention, of its kinds only', () => {
    const state = stateOf(
      { kind: 'pod', pod },
      { kind: 'policy', policy },
      { kind: 'node', name: 'n1', addresses: [ip4(3)] },
    )
    expect(state.replace(['pod', 'policy'], [{ kind: 'policy', policy }])).toEqual([
      { kind: 'podGone', key: 'shop/web-0' },
    ])
    expect([...state.cluster.nodes.keys()]).toEqual(['n1'])
  })
})

test('policies are told of with their versions, news or not', () => {
  const told: unknown[] = []
  const state = new ClusterState({ onPolicy: (one) => told.push(one) })
  const version = { uid: 'one', generation: 1 }
  const subject = { object: 'policy', key: 'shop/web' } as const
  state.apply([{ kind: 'policy', policy, version }])
  state.apply([
    { kind: 'policy', policy, version },
    { kind: 'pod', pod },
  ])
  state.apply([{ ...refusal, version }])
  state.replace(['pod', 'policy'], [])
  const accepted = { key: 'shop/web', version, refused: undefined }
  const inForce = 'last accepted version'
  const refused = { subject, problems: ['spec: it is wrong'], inForce }
  expect(told).toEqual([
    accepted,
    accepted,
    { key: 'shop/web', version, refused },
    // As what holds, and as what is refused.
    { key: 'shop/web', version: undefined, refused: undefined },
    { key: 'shop/web', version: undefined, refused: undefined },
  ])
})

describe('local pods', () => {
  const attached: ClusterEvent = {
    kind: 'pod',
    pod: { ...pod, node: 'n1', addresses: [ip4(9)], local: true },
  }

  test('have the addresses of the attachment and the labels of the source', () => {
    const state = stateOf({ kind: 'pod', pod })
    expect(state.attach(attachment)).toEqual({ events: [attached], known: true })
  })

  test('may be attached before the source tells of them', () => {
    const state = new ClusterState()
    const stranger = { ...attached.pod, labels: new Map(), createdAt: 0, stranger: true }
    expect(state.attach(attachment)).toEqual({
      events: [{ kind: 'pod', pod: stranger }],
      known: false,
    })
    expect(state.apply([{ kind: 'pod', pod }])).toEqual([attached])
  })

  test('outlive their object, as it was last', () => {
    const state = stateOf({ kind: 'pod', pod })
    state.attach(attachment)
    expect(state.apply([{ kind: 'gone', subject: { object: 'pod', key: 'shop/web-0' } }])).toEqual(
      [],
    )
    expect(state.cluster.pods.get('shop/web-0')).toEqual(attached.pod)
    expect(state.detach('c1')).toEqual([{ kind: 'podGone', key: 'shop/web-0' }])
  })

  test('outlive a snapshot without them', () => {
    const state = stateOf({ kind: 'pod', pod })
    state.attach(attachment)
    expect(state.replace(['pod'], [])).toEqual([])
  })

  test('keep their addresses when the source calls them finished', () => {
    const state = stateOf({ kind: 'pod', pod })
    state.attach(attachment)
    const finished = { ...pod, addresses: [], addressless: 'finished' as const }
    expect(state.apply([{ kind: 'pod', pod: finished }])).toEqual([])
  })

  test('follow new labels', () => {
    const state = stateOf({ kind: 'pod', pod })
    state.attach(attachment)
    const labels = new Map([['app', 'db']])
    expect(state.apply([{ kind: 'pod', pod: { ...pod, labels } }])).toEqual([
      { kind: 'pod', pod: { ...attached.pod, labels } },
    ])
  })

  test('are not given the labels of their successor by name', () => {
    const state = stateOf({ kind: 'pod', pod })
    state.attach(attachment)
    const successor = { ...pod, uid: 'two', labels: new Map([['app', 'db']]) }
    expect(state.apply([{ kind: 'pod', pod: successor }])).toEqual([])
    expect(state.detach('c1')).toEqual([{ kind: 'pod', pod: successor }])
  })

  test('are not given the labels of their predecessor by name', () => {
    const state = stateOf({ kind: 'pod', pod })
    const { events, known } = state.attach({ ...attachment, uid: 'two' })
    expect(known).toBe(false)
    expect(events).toMatchObject([{ pod: { uid: 'two', labels: new Map() } }])
  })

  test.each([
    ['the attachment', { ...attachment, uid: '' }, pod],
    ['the source', attachment, { ...pod, uid: '' }],
  ])('are taken for the same where %s has no uid', (_, made, known) => {
    expect(stateOf({ kind: 'pod', pod: known }).attach(made).known).toBe(true)
  })

  describe('that an earlier agent was told of', () => {
    const labels = new Map([['app', 'before']])
    const lastTold: ToldPod = { labels, namedPorts: [] }

    test('have those labels while the source does not know them', () => {
      const { events, known } = new ClusterState().attach({ ...attachment, lastTold })
      const kept = { ...attached.pod, labels, createdAt: 0 }
      expect({ events, known }).toEqual({ events: [{ kind: 'pod', pod: kept }], known: true })
    })

    test('have the source’s labels, whether it tells of them before or after', () => {
      const state = stateOf({ kind: 'pod', pod })
      expect(state.attach({ ...attachment, lastTold }).events).toEqual([attached])
      const later = new ClusterState()
      later.attach({ ...attachment, lastTold })
      expect(later.apply([{ kind: 'pod', pod }])).toEqual([attached])
    })

    test('are not given the labels of their successor by name', () => {
      const state = stateOf({ kind: 'pod', pod: { ...pod, uid: 'two' } })
      expect(state.attach({ ...attachment, lastTold }).events).toMatchObject([
        { pod: { uid: 'one', labels } },
      ])
    })
  })

  test('of one that is to come it can be asked what was told', () => {
    const state = stateOf({ kind: 'pod', pod })
    expect(state.told(attachment)).toEqual(pod)
    expect(state.told({ ...attachment, uid: '' })).toEqual(pod)
    expect(state.told({ ...attachment, uid: 'two' })).toBeUndefined()
    const unheard = { ...attachment, name: 'web-1' }
    state.attach(unheard)
    expect(state.told(unheard)).toBeUndefined()
  })

  test('what is told of them is passed on, what is told of others by their name is not', () => {
    const heard: [string, ToldPod][] = []
    const state = new ClusterState({ onTold: (...told) => heard.push(told) })
    state.apply([{ kind: 'pod', pod }])
    expect(heard).toEqual([])
    state.attach(attachment)
    state.apply([
      { kind: 'pod', pod },
      { kind: 'pod', pod: { ...pod, uid: 'two' } },
      { kind: 'gone', subject: { object: 'pod', key: 'shop/web-0' } },
    ])
    expect(heard).toEqual([
      ['c1', pod],
      ['c1', pod],
    ])
  })

  test('a sandbox made anew has both addresses until the old one goes, in any order of DEL', () => {
    const state = stateOf({ kind: 'pod', pod })
    state.attach(attachment)
    state.attach({ ...attachment, id: 'c2', addresses: [ip4(10)] })
    expect(state.cluster.pods.get('shop/web-0')?.addresses).toEqual([ip4(9), ip4(10)])
    state.detach('c1')
    expect(state.cluster.pods.get('shop/web-0')).toEqual({ ...attached.pod, addresses: [ip4(10)] })
    expect(state.detach('c1')).toEqual([])
  })

  test('attaching an id again replaces it', () => {
    const state = stateOf({ kind: 'pod', pod })
    state.attach(attachment)
    expect(state.attach(attachment).events).toEqual([])
    state.attach({ ...attachment, addresses: [ip4(10)] })
    expect(state.cluster.pods.get('shop/web-0')?.addresses).toEqual([ip4(10)])
  })
})

test('an id that is attached to another pod leaves the one that it was attached to', () => {
  const state = new ClusterState()
  state.attach(attachment)
  const { events } = state.attach({ ...attachment, name: 'web-1' })
  expect(events).toMatchObject([
    { kind: 'podGone', key: 'shop/web-0' },
    { kind: 'pod', pod: { name: 'web-1' } },
  ])
})

describe('refused objects', () => {
  test('a policy isolates if no version of it was accepted', () => {
    const state = new ClusterState()
    expect(state.apply([refusal])).toEqual([{ kind: 'policy', policy: salvage }])
    expect(state.refused).toEqual([
      {
        subject: { object: 'policy', key: 'shop/web' },
        problems: ['spec: it is wrong'],
        inForce: 'salvage',
      },
    ])
  })

  test('and is else left as it was last accepted', () => {
    const state = stateOf({ kind: 'policy', policy })
    expect(state.apply([refusal])).toEqual([])
    expect(state.replace(KINDS, [refusal])).toEqual([])
    expect(state.refused).toMatchObject([{ inForce: 'last accepted version' }])
  })

  test('an isolating policy gives way to an accepted version, and to another refusal', () => {
    const state = stateOf(refusal)
    const other = { ...salvage, podSelector: { requirements: [] }, invalid: 'it is wrong again' }
    expect(state.apply([{ ...refusal, salvage: { kind: 'policy', policy: other } }])).toEqual([
      { kind: 'policy', policy: other },
    ])
    expect(state.apply([{ kind: 'policy', policy }])).toEqual([{ kind: 'policy', policy }])
    expect(state.refused).toEqual([])
  })

  test('go with their document', () => {
    const state = stateOf(refusal)
    expect(state.replace(['policy'], [])).toEqual([{ kind: 'policyGone', key: 'shop/web' }])
    expect(state.refused).toEqual([])
  })

  test('a pod without an accepted version is only listed, and goes from the list', () => {
    const refused: SourceChange = {
      kind: 'refused',
      subject: { object: 'pod', key: 'shop/web-0' },
      problems: ['metadata: it is wrong'],
      salvage: undefined,
    }
    const state = stateOf(refused)
    expect(state.refused).toMatchObject([{ inForce: 'nothing' }])
    state.replace(['pod'], [])
    expect(state.refused).toEqual([])
  })
})

describe('property', () => {
  const object: fc.Arbitrary<SourceObject> = fc.oneof(
    arbitraries.namespace.map((namespace) => ({ kind: 'namespace' as const, namespace })),
    arbitraries.pod.map((one) => ({ kind: 'pod' as const, pod: { ...one, local: false } })),
    arbitraries.policy.map((one) => ({ kind: 'policy' as const, policy: one })),
  )
  const change = fc.oneof(
    { weight: 4, arbitrary: object },
    {
      weight: 1,
      arbitrary: object.map((one): SourceChange => ({ kind: 'gone', subject: subjectOf(one) })),
    },
    {
      weight: 1,
      arbitrary: object.map((one): SourceChange => {
        const stopgap = one.kind === 'policy' ? one : undefined
        return { kind: 'refused', subject: subjectOf(one), problems: ['wrong'], salvage: stopgap }
      }),
    },
  )
  const step = fc.oneof(
    { weight: 6, arbitrary: change.map((one) => (state: ClusterState) => state.apply([one])) },
    {
      weight: 1,
      arbitrary: fc
        .array(change, { maxLength: 6 })
        .map((all) => (state: ClusterState) => state.replace(KINDS, all)),
    },
    {
      weight: 2,
      arbitrary: fc
        .tuple(arbitraries.pod, fc.constantFrom('c1', 'c2', 'c3'))
        .map(([{ namespace, name, uid, addresses }, id]) => (state: ClusterState) => {
          return state.attach({ id, namespace, name, uid, node: 'n1', addresses }).events
        }),
    },
    {
      weight: 1,
      arbitrary: fc
        .constantFrom('c1', 'c2', 'c3')
        .map((id) => (state: ClusterState) => state.detach(id)),
    },
  )

  test('the events lead to the cluster, and none of them is idle', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const state = new ClusterState()
        const events: ClusterEvent[] = []
        for (const take of steps) {
          for (const event of take(state)) {
            const before = clusterOf(events)
            events.push(event)
            // By the measure of the state itself: random objects may differ in their prototype alone.
            expect(isDeepStrictEqual(clusterOf(events), before)).toBe(false)
          }
          expect(clusterOf(events)).toEqual(state.cluster)
        }
      }),
      { numRuns: 150 },
    )
  })

  test('local pods are the same for an agent that starts, whatever the source has forgotten', () => {
    const id = fc.constantFrom('c1', 'c2', 'c3')
    const event = fc.oneof(
      { weight: 3, arbitrary: fc.record({ told: arbitraries.pod }) },
      { weight: 1, arbitrary: fc.record({ gone: arbitraries.pod }) },
      { weight: 3, arbitrary: fc.record({ attached: arbitraries.pod, id }) },
      { weight: 1, arbitrary: fc.record({ detached: id }) },
    )
    fc.assert(
      fc.property(fc.array(event, { maxLength: 30 }), fc.func(fc.boolean()), (events, forgets) => {
        const records = new Map<string, LocalAttachment>()
        const source = new Map<string, Pod>()
        const state = new ClusterState({
          onTold: (at, lastTold) => {
            const record = records.get(at)
            if (record !== undefined) records.set(at, { ...record, lastTold })
          },
        })
        for (const one of events) {
          if ('told' in one) {
            // No source tells of strangers.
            const { stranger: _, ...told } = { ...one.told, local: false }
            source.set(keyOf(told), told)
            state.apply([{ kind: 'pod', pod: told }])
          } else if ('gone' in one) {
            source.delete(keyOf(one.gone))
            state.apply([{ kind: 'gone', subject: { object: 'pod', key: keyOf(one.gone) } }])
          } else if ('detached' in one) {
            records.delete(one.detached)
            state.detach(one.detached)
          } else if (!records.has(one.id)) {
            const { namespace, name, uid, addresses } = one.attached
            const record = { id: one.id, namespace, name, uid, node: 'n1', addresses }
            records.set(one.id, record)
            state.attach(record)
          }
        }
        const next = new ClusterState()
        const left = source.values().filter((told) => !forgets(keyOf(told)))
        next.apply(left.map((told): SourceChange => ({ kind: 'pod', pod: told })))
        for (const record of records.values()) next.attach(record)
        expect(verdictPartsOf(next)).toEqual(verdictPartsOf(state))
      }),
      { numRuns: 300 },
    )
  })

  test('after a snapshot of accepted objects the state is that of a fresh one', () => {
    const snapshot = fc.uniqueArray(object, {
      selector: (one) => idOf(subjectOf(one)),
      maxLength: 12,
    })
    fc.assert(
      fc.property(fc.array(change, { maxLength: 20 }), snapshot, (history, objects) => {
        const state = stateOf(...history)
        state.replace(KINDS, objects)
        expect(state.cluster).toEqual(stateOf(...objects).cluster)
        expect(state.refused).toEqual([])
        expect(state.replace(KINDS, objects)).toEqual([])
      }),
      { numRuns: 200 },
    )
  })
})

describe('pods of a node that others wire', () => {
  const own: Pod = { ...pod, node: 'n1' }
  const told: SourceChange = { kind: 'pod', pod: own }

  function chained(...changes: SourceChange[]): ClusterState {
    const state = new ClusterState({ chainedNode: 'n1' })
    state.apply(changes)
    return state
  }

  function isSubject(state: ClusterState): boolean | undefined {
    return state.cluster.pods.get('shop/web-0')?.local
  }

  test('are subjects by the addresses that the source tells', () => {
    const state = chained(told)
    expect(isSubject(state)).toBe(true)
    expect([...state.unattached()]).toEqual([ip4(1)])
  })

  test.each([
    ['those of other nodes', { ...own, node: 'n2' }],
    ['those without an address', { ...own, addresses: [] }],
    ['those that are not scheduled yet', { ...own, node: '' }],
  ])('%s are not', (_, other) => {
    const state = chained({ kind: 'pod', pod: other })
    expect([isSubject(state), state.unattached().size]).toEqual([false, 0])
  })

  test('give way to an attachment of theirs, and are not back after it', () => {
    const state = chained(told)
    state.attach(attachment)
    expect(state.cluster.pods.get('shop/web-0')?.addresses).toEqual([ip4(9)])
    expect(state.unattached().size).toBe(0)
    state.detach('c1')
    expect(isSubject(state)).toBe(false)
    state.apply([{ kind: 'pod', pod: { ...own, labels: new Map([['app', 'new']]) } }])
    expect(isSubject(state)).toBe(false)
    state.apply([{ kind: 'pod', pod: { ...own, uid: 'two' } }])
    expect(isSubject(state)).toBe(true)
  })

  test('give way to whoever is attached with an address of theirs', () => {
    const state = chained(told)
    const { events } = state.attach({ ...attachment, name: 'web-1', addresses: [ip4(1)] })
    expect(
      events.map((event) => event.kind === 'pod' && [event.pod.name, event.pod.local]),
    ).toEqual([
      ['web-0', false],
      ['web-1', true],
    ])
    expect(isSubject(state)).toBe(false)
  })

  test('that are gone are gone', () => {
    const state = chained(told)
    state.apply([{ kind: 'gone', subject: { object: 'pod', key: 'shop/web-0' } }])
    expect([isSubject(state), state.unattached().size]).toEqual([undefined, 0])
  })
})

/** All that verdicts depend on, of the pods that are attached. */
function verdictPartsOf({ cluster }: ClusterState): object[] {
  const local = [...cluster.pods.values()].filter((one) => one.local)
  return local
    .map(({ labels, namedPorts, addresses, stranger, ...one }) => ({
      key: keyOf(one),
      labels,
      namedPorts,
      addresses,
      stranger,
    }))
    .toSorted((a, b) => a.key.localeCompare(b.key))
}
