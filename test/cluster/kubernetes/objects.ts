import type { StoredObject } from './object-store.ts'

export const PODS = '/api/v1/pods'
export const NAMESPACES = '/api/v1/namespaces'
export const NODES = '/api/v1/nodes'
export const POLICIES = '/apis/networking.k8s.io/v1/networkpolicies'
export const PATHS = [NAMESPACES, NODES, POLICIES, PODS]

export function pod(name: string, labels: Record<string, string> = {}, ip?: string): StoredObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'shop', uid: `uid-${name}`, labels },
    spec: { nodeName: 'n1', containers: [{ name: 'main', image: 'web' }] },
    status: { phase: 'Running', ...(ip !== undefined && { podIP: ip, podIPs: [{ ip }] }) },
  }
}

export function namespace(name: string, labels: Record<string, string> = {}): StoredObject {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } }
}

export function node(name: string, addresses: readonly string[], podCIDRs: readonly string[]) {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name },
    spec: { podCIDRs },
    status: {
      addresses: [
        { type: 'Hostname', address: name },
        ...addresses.map((address) => ({ type: 'InternalIP', address })),
      ],
    },
  } satisfies StoredObject
}

export function policy(name: string, podSelector: object = {}): StoredObject {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name, namespace: 'shop' },
    spec: { podSelector, policyTypes: ['Ingress'], ingress: [] },
  }
}

/** An object of that name in the collection. */
export function objectFor(path: string, name: string, value: string): StoredObject {
  switch (path) {
    case NAMESPACES:
      return namespace(name, { value })
    case NODES:
      return node(name, [`10.0.0.${value}`], [`10.244.${value}.0/24`])
    case POLICIES:
      return policy(name, { matchLabels: { value } })
    default:
      return pod(name, { value }, `10.244.0.${value}`)
  }
}
