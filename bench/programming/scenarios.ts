import type { SourceChange } from '../../src/cluster/source-change.ts'
import { keyOf, type NetworkPolicy, type Peer, type Pod } from '../../src/policy/model.ts'
import { EVERYTHING } from '../../src/policy/selector.ts'
import {
  APPS_PER_NAMESPACE,
  type ClusterSize,
  namespaceAt,
  namespaceChange,
  namespacesOf,
  podAt,
  podChange,
  TEAMS,
} from './cluster.ts'
import { labelled, ownPods, podsOf, tcp } from './policies.ts'

/** One event, and under which name its time is told; without a name it only prepares the next ones. */
export interface Step {
  readonly name?: string
  readonly change: SourceChange
}

/** Events that leave the cluster as it was. Another place of it for every index. */
export type Scenario = (node: Place, index: number) => readonly Step[]

export interface Place {
  readonly size: ClusterSize
  /** Pods of the node whose tables are kept. */
  readonly locals: readonly Pod[]
}

/** A pod of an application that is there comes on another node, and goes. */
export function podScenario({ size }: Place, index: number): readonly Step[] {
  const pod = podAt(size, size.pods + index)
  return [
    { name: 'pod add', change: podChange(pod) },
    { name: 'pod delete', change: goneOf(pod) },
  ]
}

/** A pod becomes one of an application that a policy here names, and one of another again. */
export function relabelScenario({ size, locals }: Place, index: number): readonly Step[] {
  const subject = localAt(locals, index)
  const policy = policyFor(subject, index, [ownPods({ app: NEW })])
  const pod = { ...podAt(size, size.pods + index), namespace: subject.namespace }
  const name = 'pod label change'
  return [
    { change: { kind: 'policy', policy } },
    { change: podChange(pod) },
    { name, change: podChange(renamed(pod)) },
    { name, change: podChange(pod) },
    { change: goneOf(pod) },
    { change: goneOf(policy, 'policy') },
  ]
}

/** A pod of this node comes under another policy, and goes back. */
export function localRelabelScenario({ locals }: Place, index: number): readonly Step[] {
  const pod = localAt(locals, index)
  const policy = { ...policyFor(pod, index, PEERS), podSelector: labelled({ app: NEW }) }
  const name = 'label change of a pod on this node'
  return [
    { change: { kind: 'policy', policy } },
    { name, change: podChange(renamed(pod)) },
    { name, change: podChange(pod) },
    { change: goneOf(policy, 'policy') },
  ]
}

/** A namespace of fifty pods goes to a team that a policy here names, and back. */
export function namespaceScenario({ size, locals }: Place, index: number): readonly Step[] {
  const place = (31 * index) % namespacesOf(size)
  const policy = policyFor(localAt(locals, index), index, [podsOf({ team: NEW }, {})])
  const name = 'namespace label change'
  return [
    { change: { kind: 'policy', policy } },
    { name, change: namespaceChange(namespaceAt(place, NEW)) },
    { name, change: namespaceChange(namespaceAt(place)) },
    { change: goneOf(policy, 'policy') },
  ]
}

/** A policy of an application that this node has a pod of comes, gets another port, and goes. */
export function policyScenario({ locals }: Place, index: number): readonly Step[] {
  const peers = [
    ownPods({ app: `app-${index % APPS_PER_NAMESPACE}` }),
    podsOf({ team: `team-${index % TEAMS}` }, { tier: 'backend' }),
  ]
  const policy = policyFor(localAt(locals, index), index, peers)
  const changed = policyFor(localAt(locals, index), index, peers, 9443)
  return [
    { name: 'policy add', change: { kind: 'policy', policy } },
    { name: 'policy change', change: { kind: 'policy', policy: changed } },
    { name: 'policy delete', change: goneOf(policy, 'policy') },
  ]
}

/** The same with a selector that is the first to name the pods of all namespaces: every one changes its class. */
export function everyoneScenario({ locals }: Place, index: number): readonly Step[] {
  const everyone: Peer = { kind: 'pods', namespaces: EVERYTHING, pods: EVERYTHING }
  const policy = policyFor(localAt(locals, index), index, [everyone])
  return [
    { name: 'policy add, the first to name all pods', change: { kind: 'policy', policy } },
    { name: 'policy delete, the last to name all pods', change: goneOf(policy, 'policy') },
  ]
}

/** Of an application or team: nobody has it before. */
const NEW = 'new'
const PEERS: readonly Peer[] = [ownPods({})]

/** @throws RangeError for a node without pods */
function localAt(locals: readonly Pod[], index: number): Pod {
  const pod = locals[index % locals.length]
  if (pod === undefined) throw new RangeError('The node has no pods: make the cluster larger.')
  return pod
}

function renamed(pod: Pod): Pod {
  return { ...pod, labels: new Map(pod.labels).set('app', NEW) }
}

/** Of the application of that pod. */
function policyFor(
  pod: Pod,
  index: number,
  peers: readonly Peer[],
  port: number = 8443,
): NetworkPolicy {
  return {
    namespace: pod.namespace,
    name: `new-${index}`,
    podSelector: labelled({ app: pod.labels.get('app') ?? '' }),
    ingress: [{ peers, ports: [tcp(port)] }],
    egress: undefined,
  }
}

export function goneOf(object: Pod | NetworkPolicy, kind: 'pod' | 'policy' = 'pod'): SourceChange {
  return { kind: 'gone', subject: { object: kind, key: keyOf(object) } }
}
