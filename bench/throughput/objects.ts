import {
  namespace,
  NAMESPACES,
  node,
  NODES,
  PODS,
  POLICIES,
} from '../../test/cluster/kubernetes/objects.ts'
import type { ApiChange } from '../../test/kernel/api-place.ts'
import type { NodeFacts } from '../../src/pods/nodes/node-facts.ts'
import { type Address, formatAddress, formatCidr } from '../../src/policy/address.ts'
import { CHECK_PORT, IPERF_PORT, REQUEST_PORT } from './pod-end.ts'

export const NAMESPACE = 'bench'
/** The pod that policy lets reach servers, one that it does not, and the labels of servers. */
export const CLIENT = 'client'
export const STRANGER = 'stranger'
const SERVER = 'server'

/** The namespace, and policy: everybody in it is isolated both ways, and only the client reaches servers. */
export function policyObjects(): ApiChange[] {
  return [
    { kind: 'put', path: NAMESPACES, object: namespace(NAMESPACE) },
    { kind: 'put', path: POLICIES, object: policy('nothing', {}, {}) },
    {
      kind: 'put',
      path: POLICIES,
      object: policy('client', labels(CLIENT), { egress: [{ to: peers(SERVER), ports }] }),
    },
    // The stranger may send, so that what keeps it out is the servers' policy.
    {
      kind: 'put',
      path: POLICIES,
      object: policy('stranger', labels(STRANGER), { egress: [{ to: peers(SERVER), ports }] }),
    },
    {
      kind: 'put',
      path: POLICIES,
      object: policy('server', labels(SERVER), { ingress: [{ from: peers(CLIENT), ports }] }),
    },
  ]
}

export function nodeObject({ name, addresses, podCidrs }: NodeFacts): ApiChange {
  const object = node(name, addresses.map(formatAddress), podCidrs.map(formatCidr))
  return { kind: 'put', path: NODES, object }
}

/** @param addresses none before the pod has them */
export function podObject(
  name: string,
  nodeName: string,
  addresses: readonly Address[],
): ApiChange {
  const podIPs = addresses.map((address) => ({ ip: formatAddress(address) }))
  const role = name === CLIENT || name === STRANGER ? name : SERVER
  const object = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: NAMESPACE, uid: name, labels: { role } },
    spec: { nodeName, containers: [{ name: 'main', image: 'main' }] },
    status: { phase: 'Running', podIP: podIPs[0]?.ip, podIPs },
  }
  return { kind: 'put', path: PODS, object }
}

const ports = [
  { protocol: 'TCP', port: IPERF_PORT },
  { protocol: 'UDP', port: IPERF_PORT },
  { protocol: 'TCP', port: REQUEST_PORT },
  { protocol: 'TCP', port: CHECK_PORT },
]

function policy(name: string, podSelector: object, rules: object) {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name, namespace: NAMESPACE },
    spec: { podSelector, policyTypes: ['Ingress', 'Egress'], ...rules },
  }
}

function labels(role: string): object {
  return { matchLabels: { role } }
}

function peers(role: string): object[] {
  return [{ podSelector: labels(role) }]
}
