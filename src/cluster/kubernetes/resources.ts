import type { ObjectKind } from '../source-change.ts'

/** A kind of objects that is watched, and where the API has it. */
export interface Resource {
  readonly object: ObjectKind
  /** Of all namespaces. */
  readonly path: string
  readonly apiVersion: string
  readonly kind: string
}

export const PODS: Resource & { readonly object: 'pod' } = {
  object: 'pod',
  path: '/api/v1/pods',
  apiVersion: 'v1',
  kind: 'Pod',
}

export const POLICIES: Resource & { readonly object: 'policy' } = {
  object: 'policy',
  path: '/apis/networking.k8s.io/v1/networkpolicies',
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
}

/** All that the data plane needs to know of a cluster. */
export const RESOURCES: readonly Resource[] = [
  { object: 'namespace', path: '/api/v1/namespaces', apiVersion: 'v1', kind: 'Namespace' },
  { object: 'node', path: '/api/v1/nodes', apiVersion: 'v1', kind: 'Node' },
  POLICIES,
  PODS,
]
