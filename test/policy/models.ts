import type {
  ClusterEvent,
  Labels,
  NetworkPolicy,
  Peer,
  Pod,
  PortMatch,
  Rule,
  Selector,
} from '../../src/policy/model.ts'
import { makeSelector } from '../../src/policy/selector.ts'
import { address, cidr, port } from './literals.ts'

/** Model objects in few words, for tests that are about one thing each. */

export const ALL = makeSelector([])

/** `app=web,tier=x` as labels. */
export function labelsOf(text: string): Labels {
  const pairs = text.split(',').filter((pair) => pair !== '')
  return new Map(
    pairs.map((pair): [string, string] => {
      const [key = '', value = ''] = pair.split('=')
      return [key, value]
    }),
  )
}

/** `app=web,tier=x` as a selector. */
export function selectorOf(text: string): Selector {
  return makeSelector(
    [...labelsOf(text)].map(([key, value]) => ({ key, operator: 'In', values: [value] })),
  )
}

/** A pod `namespace/name` with labels `app=web`, at addresses. */
export function podOf(
  key: string,
  labels: string,
  addresses: readonly string[],
  rest: Partial<Pod> = {},
): Pod {
  const [namespace = '', name = ''] = key.split('/')
  return {
    namespace,
    name,
    uid: `uid of ${key}`,
    labels: labelsOf(labels),
    addresses: addresses.map(address),
    namedPorts: [],
    createdAt: 0,
    node: '',
    local: false,
    ...rest,
  }
}

export function policyOf(
  key: string,
  rules: Partial<Pick<NetworkPolicy, 'podSelector' | 'ingress' | 'egress'>>,
): NetworkPolicy {
  const [namespace = '', name = ''] = key.split('/')
  return { namespace, name, podSelector: ALL, ingress: undefined, egress: undefined, ...rules }
}

export function ruleOf(peers: Rule['peers'], ports: Rule['ports'] = 'all'): Rule {
  return { peers, ports }
}

export function podsOf(pods: string, namespaces: Selector | 'own' = 'own'): Peer {
  return { kind: 'pods', namespaces, pods: selectorOf(pods) }
}

/** The block `10.0.0.0/8`, without the blocks after it. */
export function blockPeer(block: string, ...except: string[]): Peer {
  return { kind: 'block', cidr: cidr(block), except: except.map(cidr) }
}

/** TCP ports from `first` to `last`. */
export function tcp(first: number, last: number = first): Extract<PortMatch, { kind: 'range' }> {
  return { kind: 'range', protocol: 'TCP', first: port(first), last: port(last) }
}

export function named(name: string): PortMatch {
  return { kind: 'named', protocol: 'TCP', name }
}

export function added(...objects: readonly (Pod | NetworkPolicy)[]): ClusterEvent[] {
  return objects.map((object) =>
    'podSelector' in object ? { kind: 'policy', policy: object } : { kind: 'pod', pod: object },
  )
}
