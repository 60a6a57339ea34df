import type { Address, Cidr } from '../policy/address.ts'
import { keyOf } from '../policy/model.ts'
import type { Namespace, NetworkPolicy, ObjectKey, Pod } from '../policy/model.ts'
import type { ObjectVersion } from './object-version.ts'

/** What a source (a manifest directory, the Kubernetes API) says of one object. */
export type SourceChange = SourceObject | Gone | Refused

export type SourceObject =
  | { readonly kind: 'namespace'; readonly namespace: Namespace }
  | { readonly kind: 'pod'; readonly pod: Pod }
  | {
      readonly kind: 'policy'
      readonly policy: NetworkPolicy
      /** Which version this is, from sources that have such. */
      readonly version?: ObjectVersion
    }
  | {
      readonly kind: 'node'
      readonly name: string
      readonly addresses: readonly Address[]
      /** Ranges of the pods of this node, where the source knows them. Routing needs them, policy does not. */
      readonly podCidrs?: readonly Cidr[]
    }

export interface Gone {
  readonly kind: 'gone'
  readonly subject: Subject
}

/** The source has the object in a form that cannot be used. */
export interface Refused {
  readonly kind: 'refused'
  readonly subject: Subject
  /** Sentences that name the field. */
  readonly problems: readonly string[]
  /** What holds unless a version of it was accepted before. */
  readonly salvage: SourceObject | undefined
  /** Of a policy: which version is refused. */
  readonly version?: ObjectVersion
}

/** Which object it is about. */
export type Subject =
  | { readonly object: 'namespace' | 'node'; readonly key: string }
  | { readonly object: 'pod' | 'policy'; readonly key: ObjectKey }

export type ObjectKind = Subject['object']

export function subjectOf(change: SourceChange): Subject {
  switch (change.kind) {
    case 'namespace':
      return { object: 'namespace', key: change.namespace.name }
    case 'pod':
      return { object: 'pod', key: keyOf(change.pod) }
    case 'policy':
      return { object: 'policy', key: keyOf(change.policy) }
    case 'node':
      return { object: 'node', key: change.name }
    case 'gone':
    case 'refused':
      return change.subject
  }
}

/** A key for maps over objects of all kinds. */
export function idOf({ object, key }: Subject): string {
  return `${object} ${key}`
}
