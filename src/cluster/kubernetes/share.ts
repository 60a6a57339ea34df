import { formatCidr } from '../../policy/address.ts'
import type {
  Labels,
  NamedPort,
  NetworkPolicy,
  Peer,
  Pod,
  Rule,
  Selector,
} from '../../policy/model.ts'
import type { SourceChange } from '../source-change.ts'

/**
 * Makes a function that has each pod and policy use parts of those before it, where they are equal: a Deployment's
 * pods are alike in most, and policies name the same few peers and ports over and over. That saves a large cluster
 * a third of its memory.
 */
export function createSharing(): (change: SourceChange) => SourceChange {
  const podSharing = createPodSharing()
  const policySharing = createPolicySharing()
  return (change) => {
    if (change.kind === 'pod') return { ...change, pod: podSharing(change.pod) }
    if (change.kind === 'policy') return { ...change, policy: policySharing(change.policy) }
    return change
  }
}

function createPodSharing(): (pod: Pod) => Pod {
  const shareText = createPool<string>((text) => text)
  const shareLabels = createPool<Labels>((labels) => JSON.stringify([...labels]))
  const shareNamedPorts = createPool<readonly NamedPort[]>((ports) => JSON.stringify(ports))
  return (pod) => ({
    ...pod,
    namespace: shareText(pod.namespace),
    node: shareText(pod.node),
    ...(pod.controller !== undefined && { controller: shareText(pod.controller) }),
    labels: shareLabels(pod.labels),
    namedPorts: shareNamedPorts(pod.namedPorts),
  })
}

function createPolicySharing(): (policy: NetworkPolicy) => NetworkPolicy {
  const shareText = createPool<string>((text) => text)
  const shareSelector = createPool<Selector>((selector) => JSON.stringify(selector))
  const sharePeer = createPool<Peer>(keyOfPeer, (peer) => withSharedSelectors(peer, shareSelector))
  const sharePorts = createPool<Rule['ports']>((ports) => JSON.stringify(ports))
  const shareRule = createPool<Rule>(keyOfRule, ({ peers, ports }) => ({
    peers: peers === 'everyone' ? peers : peers.map(sharePeer),
    ports: sharePorts(ports),
  }))
  return (policy) => ({
    ...policy,
    namespace: shareText(policy.namespace),
    podSelector: shareSelector(policy.podSelector),
    ingress: policy.ingress?.map(shareRule),
    egress: policy.egress?.map(shareRule),
  })
}

function withSharedSelectors(peer: Peer, share: (selector: Selector) => Selector): Peer {
  if (peer.kind !== 'pods') return peer
  const { kind, namespaces, pods } = peer
  return {
    kind,
    namespaces: namespaces === 'own' ? namespaces : share(namespaces),
    pods: share(pods),
  }
}

function keyOfRule({ peers, ports }: Rule): string {
  const peersKey = peers === 'everyone' ? peers : peers.map(keyOfPeer).join()
  return `${peersKey} ${JSON.stringify(ports)}`
}

function keyOfPeer(peer: Peer): string {
  if (peer.kind !== 'block') return JSON.stringify(peer)
  return [peer.cidr, ...peer.except].map(formatCidr).join('-')
}

/** A pool that is full forgets everything: what it holds and nobody else does never gets much. */
const POOL_VALUES = 1000

/**
 * Makes a function that gives for each value one that is equal and was there before, if there is one.
 *
 * @param keyOf equal for equal values alone
 * @param compact makes of a value that is new an equal one that takes less
 */
function createPool<Value>(
  keyOf: (value: Value) => string,
  compact: (value: Value) => Value = (value) => value,
): (value: Value) => Value {
  const values = new Map<string, Value>()
  return (value) => {
    const key = keyOf(value)
    const known = values.get(key)
    if (known !== undefined) return known
    if (values.size === POOL_VALUES) values.clear()
    const made = compact(value)
    values.set(key, made)
    return made
  }
}
