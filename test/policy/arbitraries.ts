import fc from 'fast-check'
import type { Address, Cidr, Family } from '../../src/policy/address.ts'
import { blockOf, strictlyInside } from '../../src/policy/address.ts'
import type { Cluster } from '../../src/policy/cluster.ts'
import { clusterOf } from '../../src/policy/cluster.ts'
import type { Flow } from '../../src/policy/flow.ts'
import { keyOf } from '../../src/policy/model.ts'
import type {
  ClusterEvent,
  Labels,
  Namespace,
  NamedPort,
  NetworkPolicy,
  ObjectKey,
  Peer,
  Pod,
  PortMatch,
  Protocol,
  Requirement,
  Rule,
  Selector,
} from '../../src/policy/model.ts'
import { EVERYTHING, makeSelector } from '../../src/policy/selector.ts'
import { address, port } from './literals.ts'

/**
 * Random clusters, events and flows in terms of the model. Every pool is small, so that names, labels,
 * addresses and ports collide: most bugs of a policy engine need two objects that meet.
 */

export const NAMESPACES = ['a', 'b', 'c'] as const
export const NODES = ['n1', 'n2'] as const
const POD_NAMES = ['p1', 'p2', 'p3'] as const
const POLICY_NAMES = ['q1', 'q2', 'q3', 'q4'] as const
const LABEL_KEYS = ['app', 'tier'] as const
const LABEL_VALUES = ['', 'x', 'y'] as const
const PORT_NAMES = ['http', 'dns'] as const

/** Addresses that pods claim; the last of a family is also a node's, now and then. */
export const POD_ADDRESSES: Readonly<Record<Family, readonly Address[]>> = {
  4: ['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.1.1', '10.0.1.2'].map(address),
  6: ['fd00::1', 'fd00::2', 'fd00::1:1', 'fd00::1:2'].map(address),
}

/** Addresses of nobody: inside and outside of the blocks below. */
const OTHER_ADDRESSES: Readonly<Record<Family, readonly Address[]>> = {
  4: ['0.0.0.0', '10.0.0.255', '192.0.2.1', '255.255.255.255'].map(address),
  6: ['::', 'fd00::ff', '2001:db8::1', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'].map(address),
}

export const NODE_ADDRESSES: Readonly<Record<string, readonly Address[]>> = {
  n1: ['172.16.0.1', 'fd01::1'].map(address),
  n2: ['172.16.0.2', 'fd01::2'].map(address),
}

/** Every address that a random flow may have. */
export const ADDRESSES: Readonly<Record<Family, readonly Address[]>> = {
  4: [...POD_ADDRESSES[4], ...OTHER_ADDRESSES[4], ...['172.16.0.1', '172.16.0.2'].map(address)],
  6: [...POD_ADDRESSES[6], ...OTHER_ADDRESSES[6], ...['fd01::1', 'fd01::2'].map(address)],
}

const PREFIXES: Readonly<Record<Family, readonly number[]>> = {
  4: [0, 1, 8, 24, 25, 31, 32],
  6: [0, 1, 16, 64, 112, 127, 128],
}

/** Ports of flows: the ends of the ranges below, and their neighbours. */
export const PORTS = [1, 79, 80, 81, 82, 90, 91, 8080, 65535].map(port)
const PROTOCOLS: readonly Protocol[] = ['TCP', 'UDP', 'SCTP']

/** Policies and pods meet in the first, most of the time. */
const someNamespace = fc.constantFrom('a', ...NAMESPACES)
const family = fc.constantFrom<Family>(4, 6)
const protocol = fc.constantFrom<Protocol>('TCP', 'TCP', 'UDP', 'SCTP')

export const labels: fc.Arbitrary<Labels> = fc
  .uniqueArray(fc.tuple(fc.constantFrom(...LABEL_KEYS), fc.constantFrom(...LABEL_VALUES)), {
    selector: ([key]) => key,
    maxLength: 2,
  })
  .map((pairs) => new Map<string, string>(pairs))

const requirement: fc.Arbitrary<Requirement> = fc.oneof(
  fc.record({
    key: fc.constantFrom(...LABEL_KEYS),
    operator: fc.constantFrom('In', 'NotIn'),
    values: fc.uniqueArray(fc.constantFrom(...LABEL_VALUES), { minLength: 1, maxLength: 2 }),
  }),
  fc.record({
    key: fc.constantFrom(...LABEL_KEYS),
    operator: fc.constantFrom('Exists', 'DoesNotExist'),
  }),
)

export const selector: fc.Arbitrary<Selector> = fc
  .array(requirement, { maxLength: 2, size: 'max' })
  .map(makeSelector)

const METADATA_NAME = 'kubernetes.io/metadata.name'

/** By labels, or by name as most people write it. */
const namespaceSelector: fc.Arbitrary<Selector> = fc.oneof(
  { weight: 3, arbitrary: selector },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom(...NAMESPACES)
      .map((name) => makeSelector([{ key: METADATA_NAME, operator: 'In', values: [name] }])),
  },
)

export const namespace: fc.Arbitrary<Namespace> = fc
  .tuple(fc.constantFrom(...NAMESPACES), labels)
  .map(([name, own]) => ({ name, labels: new Map([...own, [METADATA_NAME, name]]) }))

const namedPort: fc.Arbitrary<NamedPort> = fc.record({
  name: fc.constantFrom(...PORT_NAMES),
  protocol,
  port: fc.constantFrom(...PORTS),
})

/** None, one of a family, or one of each. */
const podAddresses: fc.Arbitrary<readonly Address[]> = fc
  .tuple(
    fc.option(fc.constantFrom(...POD_ADDRESSES[4]), { nil: undefined, freq: 5 }),
    fc.option(fc.constantFrom(...POD_ADDRESSES[6]), { nil: undefined, freq: 2 }),
  )
  .map((both) => both.filter((one) => one !== undefined))

export const pod: fc.Arbitrary<Pod> = fc
  .record({
    namespace: someNamespace,
    name: fc.constantFrom(...POD_NAMES),
    incarnation: fc.constantFrom(1, 2),
    labels,
    addresses: podAddresses,
    namedPorts: fc.array(namedPort, { maxLength: 3 }),
    createdAt: fc.constantFrom(0, 1, 2),
    node: fc.constantFrom('', ...NODES),
    local: fc.boolean(),
    stranger: fc.option(fc.constant(true as const), { nil: undefined, freq: 8 }),
  })
  .map(({ incarnation, stranger, ...rest }) => ({
    ...rest,
    ...(stranger && rest.local && { stranger, labels: new Map<string, string>() }),
    uid: `${incarnation}-${keyOf(rest)}`,
  }))

const cidrOf: fc.Arbitrary<Cidr> = family.chain((of) =>
  fc
    .tuple(fc.constantFrom(...ADDRESSES[of]), fc.constantFrom(...PREFIXES[of]))
    .map(([inside, prefix]) => blockOf(inside, prefix)),
)

const block: fc.Arbitrary<Peer> = fc
  .tuple(cidrOf, fc.array(cidrOf, { maxLength: 3 }))
  .map(([cidr, others]) => ({
    kind: 'block',
    cidr,
    except: others.filter((one) => strictlyInside(one, cidr)),
  }))

export const peer: fc.Arbitrary<Peer> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('pods' as const),
      namespaces: fc.oneof(fc.constant('own' as const), namespaceSelector),
      pods: selector,
    }),
  },
  { weight: 4, arbitrary: block },
  { weight: 1, arbitrary: fc.constant<Peer>({ kind: 'nothing' }) },
)

const portRange: fc.Arbitrary<PortMatch> = fc
  .tuple(protocol, fc.constantFrom(...PORTS), fc.constantFrom(...PORTS))
  .map(([of, one, other]) => ({
    kind: 'range',
    protocol: of,
    first: one < other ? one : other,
    last: one < other ? other : one,
  }))

export const portMatch: fc.Arbitrary<PortMatch> = fc.oneof(
  fc.record({ kind: fc.constant('every' as const), protocol }),
  portRange,
  fc
    .tuple(protocol, fc.constantFrom(...PORTS))
    .map(([of, only]): PortMatch => ({ kind: 'range', protocol: of, first: only, last: only })),
  fc.record({
    kind: fc.constant('named' as const),
    protocol,
    name: fc.constantFrom(...PORT_NAMES),
  }),
)

export const rule: fc.Arbitrary<Rule> = fc.record({
  peers: fc.oneof(
    { weight: 1, arbitrary: fc.constant('everyone' as const) },
    { weight: 5, arbitrary: fc.array(peer, { minLength: 1, maxLength: 3 }) },
  ),
  ports: fc.oneof(
    { weight: 1, arbitrary: fc.constant('all' as const) },
    { weight: 3, arbitrary: fc.array(portMatch, { minLength: 1, maxLength: 3 }) },
  ),
})

const rules = fc.option(fc.array(rule, { maxLength: 3 }), { nil: undefined, freq: 3 })

const validPolicy: fc.Arbitrary<NetworkPolicy> = fc.record({
  namespace: someNamespace,
  name: fc.constantFrom(...POLICY_NAMES),
  podSelector: fc.oneof(fc.constant(EVERYTHING), selector),
  ingress: rules,
  egress: rules,
})

export const policy: fc.Arbitrary<NetworkPolicy> = fc.oneof(
  { weight: 12, arbitrary: validPolicy },
  {
    weight: 1,
    arbitrary: validPolicy.map((valid) => ({
      ...valid,
      ingress: [],
      egress: [],
      invalid: 'spec.ingress[0]: refused for the test',
    })),
  },
)

const podKey = fc
  .record({ namespace: fc.constantFrom(...NAMESPACES), name: fc.constantFrom(...POD_NAMES) })
  .map(keyOf)
const policyKey: fc.Arbitrary<ObjectKey> = fc
  .record({ namespace: fc.constantFrom(...NAMESPACES), name: fc.constantFrom(...POLICY_NAMES) })
  .map(keyOf)

/** One thing that happens; a `gone` may name what never was, as a watch may after a reconnect. */
export const event: fc.Arbitrary<ClusterEvent> = fc.oneof(
  {
    weight: 6,
    arbitrary: pod.map((of): ClusterEvent => ({ kind: 'pod', pod: of })),
  },
  {
    weight: 6,
    arbitrary: policy.map((of): ClusterEvent => ({ kind: 'policy', policy: of })),
  },
  {
    weight: 2,
    arbitrary: namespace.map((of): ClusterEvent => ({ kind: 'namespace', namespace: of })),
  },
  { weight: 2, arbitrary: podKey.map((key): ClusterEvent => ({ kind: 'podGone', key })) },
  { weight: 2, arbitrary: policyKey.map((key): ClusterEvent => ({ kind: 'policyGone', key })) },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom(...NAMESPACES)
      .map((name): ClusterEvent => ({ kind: 'namespaceGone', name })),
  },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom(...NODES)
      .map((name): ClusterEvent => ({ kind: 'node', name, addresses: NODE_ADDRESSES[name] ?? [] })),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(...NODES).map((name): ClusterEvent => ({ kind: 'nodeGone', name })),
  },
)

/** Any order: pods before their namespaces, edits, removals, addresses that move from pod to pod. */
export const events: fc.Arbitrary<readonly ClusterEvent[]> = fc.array(event, {
  minLength: 5,
  maxLength: 30,
  size: 'max',
})

/** Objects only, in any order; later ones of one name replace earlier ones. */
export const cluster: fc.Arbitrary<Cluster> = fc
  .tuple(
    fc.array(namespace, { maxLength: 3, size: 'max' }),
    fc.array(pod, { minLength: 4, maxLength: 10, size: 'max' }),
    fc.array(policy, { minLength: 1, maxLength: 6, size: 'max' }),
  )
  .map(([namespaces, pods, policies]) =>
    clusterOf([
      ...NODES.map(
        (name): ClusterEvent => ({ kind: 'node', name, addresses: NODE_ADDRESSES[name] ?? [] }),
      ),
      ...namespaces.map((of): ClusterEvent => ({ kind: 'namespace', namespace: of })),
      ...pods.map((of): ClusterEvent => ({ kind: 'pod', pod: of })),
      ...policies.map((of): ClusterEvent => ({ kind: 'policy', policy: of })),
    ]),
  )

/** Between two addresses of one family, most of them pods'. */
export const flow: fc.Arbitrary<Flow> = family.chain((of) => {
  const end = fc
    .oneof(
      { weight: 3, arbitrary: fc.constantFrom(...POD_ADDRESSES[of]) },
      { weight: 1, arbitrary: fc.constantFrom(...ADDRESSES[of]) },
    )
    .map((one) => ({ kind: 'address' as const, address: one }))
  const ends = { from: end, to: end }
  return fc.oneof(
    {
      weight: 9,
      arbitrary: fc.record({
        ...ends,
        protocol: fc.constantFrom(...PROTOCOLS),
        port: fc.constantFrom(...PORTS),
      }),
    },
    { weight: 1, arbitrary: fc.record({ ...ends, protocol: fc.constant('ICMP' as const) }) },
  )
})
