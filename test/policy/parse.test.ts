import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseDocument, parseObject } from '../../src/policy/parse.ts'
import type { Invalid, Parsed } from '../../src/policy/parse.ts'
import { pod, policy } from './cases/objects.ts'

const reject = { unknownFields: 'reject' } as const
const ignore = { unknownFields: 'ignore' } as const

function invalid(document: unknown): Invalid {
  const parsed = parseObject(document, reject)
  if (parsed.kind !== 'invalid') throw new Error(`It was read as ${parsed.kind}.`)
  return parsed
}

const NET = 'networking.k8s.io/v1'
const ALPHA = 'policy.networking.k8s.io/v1alpha2'

describe('objects are told apart by group and kind', () => {
  test.each([
    ['v1', 'Namespace', 'namespace'],
    ['v1', 'Pod', 'pod'],
    [NET, 'NetworkPolicy', 'policy'],
    ['crd.projectcalico.org/v1', 'NetworkPolicy', 'skipped'],
    ['projectcalico.org/v3', 'NetworkPolicy', 'skipped'],
    ['crd.antrea.io/v1beta1', 'ClusterNetworkPolicy', 'skipped'],
    ['metrics.k8s.io/v1', 'Pod', 'skipped'],
    ['apps/v1', 'Deployment', 'other'],
    ['v1', 'Service', 'other'],
    ['v1', 'Node', 'other'],
    [NET, 'Ingress', 'other'],
    [NET, 'IngressClass', 'other'],
    [NET, 'IPAddress', 'other'],
    ['example.com/v1', 'constructor', 'other'],
    [ALPHA, 'ClusterNetworkPolicy', 'invalid'],
    ['policy.networking.k8s.io/v1alpha1', 'AdminNetworkPolicy', 'invalid'],
    ['policy.networking.k8s.io/v1alpha1', 'BaselineAdminNetworkPolicy', 'invalid'],
    ['networking.k8s.io/v1beta1', 'NetworkPolicy', 'invalid'],
    ['extensions/v1beta1', 'NetworkPolicy', 'invalid'],
    [NET, 'networkpolicy', 'invalid'],
    [NET, 'NetworkPolcy', 'invalid'],
    ['v1', 'pod', 'invalid'],
    ['v2', 'Pod', 'invalid'],
  ])('%s %s is %s', (apiVersion, kind, expected) => {
    const document = { apiVersion, kind, metadata: { name: 'x' } }
    expect(parseObject(document, reject).kind).toBe(expected)
  })

  test('an object of another kind keeps its group and kind', () => {
    expect(parseObject({ apiVersion: 'apps/v1', kind: 'Deployment' }, reject)).toEqual({
      kind: 'other',
      apiVersion: 'apps/v1',
      objectKind: 'Deployment',
    })
  })

  test('a namesake of another group is skipped with a reason', () => {
    const parsed = parseObject(
      { apiVersion: 'projectcalico.org/v3', kind: 'NetworkPolicy' },
      reject,
    )
    expect(parsed).toEqual({
      kind: 'skipped',
      reason: 'a NetworkPolicy of projectcalico.org/v3, which is not that of networking.k8s.io/v1',
    })
  })

  test('ClusterNetworkPolicy is an error, never ignored', () => {
    for (const options of [reject, ignore]) {
      const parsed = parseObject(
        { apiVersion: ALPHA, kind: 'ClusterNetworkPolicy', metadata: { name: 'x' } },
        options,
      )
      expect(parsed).toMatchObject({
        kind: 'invalid',
        problems: [{ path: '', message: expect.stringContaining('not supported yet') }],
      })
    }
  })

  test('a NetworkPolicy of a wrong version or spelling still isolates its pods', () => {
    const spec = { podSelector: { matchLabels: { app: 'web' } } }
    for (const [apiVersion, kind] of [
      ['extensions/v1beta1', 'NetworkPolicy'],
      [NET, 'NetworkPolcy'],
    ] as const) {
      const { salvage } = invalid({ apiVersion, kind, metadata: { name: 'x' }, spec })
      expect(salvage).toMatchObject({ namespace: 'default', name: 'x', ingress: [], egress: [] })
      expect(salvage?.podSelector.requirements).toEqual([
        { key: 'app', operator: 'In', values: ['web'] },
      ])
    }
  })
})

describe('documents that are no objects', () => {
  test('an empty one is skipped', () => {
    expect(parseObject(null, reject).kind).toBe('skipped')
    expect(parseObject(undefined, reject).kind).toBe('skipped')
  })

  test.each([
    ['text', 'must be a Kubernetes object, not "text"'],
    [1, 'must be a Kubernetes object, not the number 1'],
    [true, 'must be a Kubernetes object, not the boolean true'],
    [[], 'must be a Kubernetes object, not a list'],
  ])('%j is refused', (document, message) => {
    expect(invalid(document).problems).toEqual([{ path: '', message }])
  })

  test('apiVersion and kind are needed, and both are told', () => {
    expect(invalid({}).problems).toEqual([
      { path: 'apiVersion', message: 'is missing' },
      { path: 'kind', message: 'is missing' },
    ])
    expect(invalid({ apiVersion: 1, kind: [] }).problems.map(({ path }) => path)).toEqual([
      'apiVersion',
      'kind',
    ])
  })
})

test('messages name the object', () => {
  expect(invalid(policy('shop/web', 1)).object).toBe('NetworkPolicy shop/web')
  expect(invalid({ apiVersion: 'v1', kind: 'Pod' }).object).toBe('Pod default/(unnamed)')
  expect(invalid({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'A' } }).object).toBe(
    'Namespace A',
  )
})

describe('unknown fields', () => {
  test('are refused with the nearest name, at every level that we read', () => {
    const document = {
      apiVersion: NET,
      kind: 'NetworkPolicy',
      metadata: { name: 'x', lables: {} },
      speck: {},
      spec: {
        podselector: {},
        ingress: [
          { form: [], port: [] },
          {
            from: [{ ipBlok: {}, ipBlock: { cidr: '10.0.0.0/8', expect: [] } }],
            ports: [{ endport: 1 }],
          },
          {
            from: [
              {
                podSelector: {
                  labels: {},
                  matchExpressions: [{ key: 'a', operator: 'Exists', value: [] }],
                },
              },
            ],
          },
          { to: [] },
        ],
      },
    }
    expect(invalid(document).problems.map(({ path, message }) => `${path}: ${message}`)).toEqual([
      'speck: is not a field of this object; did you mean spec?',
      'metadata.lables: is not a field of this object; did you mean labels?',
      'spec.podselector: is not a field of this object; did you mean podSelector?',
      'spec.ingress[0].form: is not a field of this object; did you mean from?',
      'spec.ingress[0].port: is not a field of this object; did you mean ports?',
      'spec.ingress[1].from[0].ipBlok: is not a field of this object; did you mean ipBlock?',
      'spec.ingress[1].from[0].ipBlock.expect: is not a field of this object; did you mean except?',
      'spec.ingress[1].ports[0].endport: is not a field of this object; did you mean endPort?',
      'spec.ingress[2].from[0].podSelector.labels: is not a field of this object; did you mean matchLabels?',
      'spec.ingress[2].from[0].podSelector.matchExpressions[0].value: is not a field of this object; did you mean values?',
      'spec.ingress[3].to: is not a field of this object; known are ports, from',
    ])
  })

  test('are ignored from a newer API server', () => {
    const document = policy('a/x', {
      future: 1,
      podSelector: { future: 1 },
      ingress: [
        {
          future: 1,
          from: [{ podSelector: {}, future: 1 }, { future: 1 }],
          ports: [{ future: 1 }],
        },
      ],
    })
    const parsed = parseObject(document, ignore)
    expect(parsed).toMatchObject({
      kind: 'policy',
      policy: {
        ingress: [
          {
            peers: [{ kind: 'pods', namespaces: 'own' }, { kind: 'nothing' }],
            ports: [{ kind: 'every', protocol: 'TCP' }],
          },
        ],
      },
    })
  })

  test('of pods are left alone in spec and status, which are not ours', () => {
    const parsed = parseObject(
      pod('a/x', { spec: { anything: [1] }, status: { other: {} } }),
      reject,
    )
    expect(parsed.kind).toBe('pod')
    expect(
      invalid({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'x' }, spce: {} }).problems,
    ).toEqual([{ path: 'spce', message: 'is not a field of this object; did you mean spec?' }])
  })
})

test('fields that an object inherits are not its own', () => {
  const document: unknown = Object.create({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'x' },
  })
  expect(invalid(document).problems.map(({ path }) => path)).toEqual(['apiVersion', 'kind'])
})

describe('lists', () => {
  const list = (...objects: unknown[]) => ({ apiVersion: 'v1', kind: 'List', items: objects })
  const kinds = (document: unknown) =>
    parseDocument(document, reject).map(({ at, parsed }) => `${at} ${parsed.kind}`)

  test('are read item by item, lists in lists too', () => {
    expect(kinds(list(pod('a/x'), list(policy('a/y', {}), 5), null))).toEqual([
      'items[0] pod',
      'items[1].items[0] policy',
      'items[1].items[1] invalid',
      'items[2] skipped',
    ])
  })

  test('of one kind may leave apiVersion and kind out', () => {
    const items = [{ metadata: { name: 'x' } }, { metadata: { name: 'y' } }]
    expect(kinds({ apiVersion: 'v1', kind: 'PodList', items })).toEqual([
      'items[0] pod',
      'items[1] pod',
    ])
    expect(kinds({ apiVersion: NET, kind: 'NetworkPolicyList', items })).toEqual([
      'items[0] policy',
      'items[1] policy',
    ])
  })

  test('that are empty hold nothing', () => {
    expect(kinds(list())).toEqual([])
  })

  test('that are none are refused', () => {
    expect(kinds({ apiVersion: 'v1', kind: 'List', items: {} })).toEqual([' invalid'])
    expect(kinds({ apiVersion: 'v1', kind: 'List' })).toEqual([' invalid'])
  })

  test('are read to a depth', () => {
    const nested = (levels: number): unknown =>
      levels === 0 ? pod('a/x') : list(nested(levels - 1))
    expect(kinds(nested(4))).toEqual(['items[0].items[0].items[0].items[0] pod'])
    expect(kinds(nested(5))).toEqual(['items[0].items[0].items[0].items[0] invalid'])
  })

  test('are not every kind whose name ends so', () => {
    expect(kinds({ apiVersion: 'example.com/v1', kind: 'AllowList', metadata: {} })).toEqual([
      ' other',
    ])
  })

  test('a single object stands at the top', () => {
    expect(kinds(pod('a/x'))).toEqual([' pod'])
  })
})

describe('hostile input', () => {
  const options = fc.constantFrom(reject, ignore)

  function check(parsed: Parsed): void {
    if (parsed.kind !== 'invalid') return
    expect(parsed.problems.length).toBeGreaterThan(0)
    expect(parsed.problems.length).toBeLessThanOrEqual(50)
    expect(parsed.salvage?.invalid).not.toBe('')
    if (parsed.salvage) expect([parsed.salvage.ingress, parsed.salvage.egress]).toEqual([[], []])
  }

  test('anything at all is read without a throw', () => {
    fc.assert(
      fc.property(
        fc.anything({ withNullPrototype: true, withBigInt: true, withDate: true }),
        options,
        (document, how) => {
          for (const { parsed } of parseDocument(document, how)) check(parsed)
        },
      ),
      { numRuns: 3000 },
    )
  })

  test('anything in place of any part of a good object is read without a throw', () => {
    const good = [
      pod('a/x', {
        labels: { a: 'b' },
        ips: ['10.0.0.1'],
        ports: [{ name: 'http', containerPort: 80 }],
      }),
      policy('a/y', {
        podSelector: {
          matchLabels: { a: 'b' },
          matchExpressions: [{ key: 'a', operator: 'In', values: ['b'] }],
        },
        policyTypes: ['Ingress', 'Egress'],
        ingress: [
          {
            from: [{ ipBlock: { cidr: '10.0.0.0/8', except: ['10.1.0.0/16'] } }],
            ports: [{ port: 'http' }],
          },
        ],
        egress: [
          {
            to: [{ namespaceSelector: {}, podSelector: {} }],
            ports: [{ protocol: 'UDP', port: 1, endPort: 2 }],
          },
        ],
      }),
    ]
    const places = good.flatMap((object) => placesIn(object).map((place) => ({ object, place })))
    fc.assert(
      fc.property(
        fc.constantFrom(...places),
        fc.anything(),
        options,
        ({ object, place }, junk, how) => {
          check(parseObject(replaced(object, place, junk), how))
        },
      ),
      { numRuns: 5000 },
    )
  })

  test('a document full of faults costs no more than some of them', () => {
    const spec = Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`field${i}`, 1]))
    const { problems, salvage } = invalid(policy('a/x', spec))
    expect(problems).toHaveLength(50)
    expect(salvage?.invalid).toContain('(and 99999 more)')
  })

  test('long names and values are cut in messages', () => {
    const long = 'x'.repeat(1_000_000)
    const { problems, object } = invalid(policy(`a/${long}`, { [long]: long, podSelector: long }))
    expect(JSON.stringify([problems, object]).length).toBeLessThan(2000)
  })
})

type Place = readonly (string | number)[]

/** Every place in a value, itself first. */
function placesIn(value: unknown): Place[] {
  if (typeof value !== 'object' || value === null) return [[]]
  const inner = Object.entries(value).flatMap(([key, part]) =>
    placesIn(part).map((place) => [key, ...place]),
  )
  return [[], ...inner]
}

function replaced(value: unknown, [key, ...rest]: Place, junk: unknown): unknown {
  if (key === undefined) return junk
  if (typeof value !== 'object' || value === null) return value
  const part: unknown = Reflect.get(value, key)
  const changed = replaced(part, rest, junk)
  if (Array.isArray(value))
    return value.map((item: unknown, i) => (i === Number(key) ? changed : item))
  return { ...value, [key]: changed }
}
