import type { Namespace, NetworkPolicy, Pod } from './model.ts'
import type { Field, Problem, UnknownFields } from './parse/field.ts'
import { child, describe, isAbsent, items, readText, refuse, rootField } from './parse/field.ts'
import { readNamespace } from './parse/namespace.ts'
import { nearest } from './parse/nearest.ts'
import { readNetworkPolicy } from './parse/network-policy.ts'
import { readPod } from './parse/pod.ts'

export type { Problem, UnknownFields } from './parse/field.ts'

export type Parsed =
  | Accepted
  /** Not for us, and worth a line that says why. */
  | { readonly kind: 'skipped'; readonly reason: string }
  /** A kind that is none of ours, such as a Deployment. */
  | { readonly kind: 'other'; readonly apiVersion: string; readonly objectKind: string }
  | Invalid

export type Accepted = { readonly warnings: readonly Problem[] } & (
  | { readonly kind: 'namespace'; readonly namespace: Namespace }
  | { readonly kind: 'pod'; readonly pod: Pod }
  | { readonly kind: 'policy'; readonly policy: NetworkPolicy }
)

export interface Invalid {
  readonly kind: 'invalid'
  /** For messages: `NetworkPolicy shop/web`. */
  readonly object: string
  /** At least one; the first 50. */
  readonly problems: readonly Problem[]
  /**
   * What stands in for a NetworkPolicy while no accepted version of it is in force: isolates, allows nothing.
   * Undefined for other kinds, and when not even the namespace can be told.
   */
  readonly salvage: NetworkPolicy | undefined
}

export interface ParseOptions {
  readonly unknownFields: UnknownFields
}

/** Reads one object. Never throws, whatever the document is. */
export function parseObject(document: unknown, options: ParseOptions): Parsed {
  const root = rootField(document, options.unknownFields)
  if (isAbsent(root)) return { kind: 'skipped', reason: 'an empty document' }
  if (typeof document !== 'object' || Array.isArray(document)) {
    refuse(root, `must be a Kubernetes object, not ${describe(document)}`)
    return invalid(root, 'document')
  }
  const apiVersion = readRequired(child(root, 'apiVersion'))
  const kind = readRequired(child(root, 'kind'))
  if (apiVersion === undefined || kind === undefined) return invalid(root, kind ?? 'object')
  return parseKind(root, apiVersion, kind)
}

export interface Located {
  /** Where in the document the object stands: '' or `items[3]`; for a list in a list `items[3].items[0]`. */
  readonly at: string
  readonly object: unknown
  readonly parsed: Parsed
}

/** Reads all objects of a document: the one that it is, or those that a `List` holds. Never throws. */
export function parseDocument(document: unknown, options: ParseOptions): readonly Located[] {
  return flatten(rootField(document, options.unknownFields), 1).map(({ path, value }) => ({
    at: path,
    object: value,
    parsed: parseObject(value, options),
  }))
}

const LIST_LEVELS = 4

function flatten(field: Field, level: number): readonly Field[] {
  const kind = child(field, 'kind').value
  const apiVersion = child(field, 'apiVersion').value
  const list = child(field, 'items')
  if (typeof kind !== 'string' || !kind.endsWith('List')) return [field]
  if (!Array.isArray(list.value) || level > LIST_LEVELS) return [field]
  return items(list).flatMap((item) => flatten(inherit(item, kind, apiVersion), level + 1))
}

/** Items of a typed list, such as `PodList`, may leave out what its kind says already. */
function inherit(item: Field, listKind: string, apiVersion: unknown): Field {
  const { value } = item
  const kind = listKind.slice(0, -'List'.length)
  const bare = isAbsent(child(item, 'kind')) && isAbsent(child(item, 'apiVersion'))
  if (kind === '' || !bare || typeof value !== 'object' || value === null) return item
  return { ...item, value: { ...value, apiVersion, kind } }
}

const READERS: ReadonlyMap<string, (root: Field, apiVersion: string) => Parsed> = new Map([
  ['/Namespace', parseNamespace],
  ['/Pod', parsePod],
  ['networking.k8s.io/NetworkPolicy', parsePolicy],
  // The group that had it until Kubernetes 1.16. To skip it would leave open what its author closed.
  ['extensions/NetworkPolicy', parsePolicy],
])

/** Kinds that other groups have as well, some with the same meaning in mind. */
const GROUPS: ReadonlyMap<string, string> = new Map([
  ['Namespace', 'v1'],
  ['Pod', 'v1'],
  ['NetworkPolicy', 'networking.k8s.io/v1'],
  ['ClusterNetworkPolicy', 'policy.networking.k8s.io'],
])

function parseKind(root: Field, apiVersion: string, kind: string): Parsed {
  const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : ''
  const reader = READERS.get(`${group}/${kind}`)
  if (reader !== undefined) return reader(root, apiVersion)
  if (group === 'policy.networking.k8s.io') {
    refuse(root, `${kind} is not supported yet: write it as NetworkPolicy, or remove it`)
    return invalid(root, kind)
  }
  if (apiVersion === 'v1' && kind === 'List') {
    refuse(root, `must have a list of items, and lists in lists at most ${LIST_LEVELS} deep`)
    return invalid(root, kind)
  }
  const meant = misspelt(group, kind)
  if (meant !== undefined) {
    refuse(child(root, 'kind'), `must be ${meant}, not ${describe(kind)}`)
    return meant === 'NetworkPolicy' ? parsePolicy(root, apiVersion) : invalid(root, kind)
  }
  const ours = GROUPS.get(kind)
  if (ours === undefined) return { kind: 'other', apiVersion, objectKind: kind }
  return { kind: 'skipped', reason: `a ${kind} of ${apiVersion}, which is not that of ${ours}` }
}

/** Kinds of the core group are many and short: there only the case of letters is forgiven. */
function misspelt(group: string, kind: string): string | undefined {
  if (group === 'networking.k8s.io') return nearest(kind, ['NetworkPolicy'])
  const core = ['Namespace', 'Pod'].find((one) => one.toLowerCase() === kind.toLowerCase())
  return group === '' ? core : undefined
}

function parseNamespace(root: Field, apiVersion: string): Parsed {
  requireVersion(root, apiVersion, 'v1')
  const namespace = readNamespace(root)
  if (namespace === undefined || root.notes.total > 0) return invalid(root, 'Namespace')
  return { kind: 'namespace', namespace, warnings: root.notes.warnings }
}

function parsePod(root: Field, apiVersion: string): Parsed {
  requireVersion(root, apiVersion, 'v1')
  const pod = readPod(root)
  if (pod === undefined || root.notes.total > 0) return invalid(root, 'Pod')
  return { kind: 'pod', pod, warnings: root.notes.warnings }
}

function parsePolicy(root: Field, apiVersion: string): Parsed {
  requireVersion(root, apiVersion, 'networking.k8s.io/v1')
  const policy = readNetworkPolicy(root)
  if (policy === undefined || root.notes.total > 0) return invalid(root, 'NetworkPolicy', policy)
  return { kind: 'policy', policy, warnings: root.notes.warnings }
}

function requireVersion(root: Field, apiVersion: string, served: string): void {
  if (apiVersion === served) return
  refuse(child(root, 'apiVersion'), `must be ${served}, not ${describe(apiVersion)}`)
}

function readRequired(field: Field): string | undefined {
  const text = readText(field)
  return text === '' ? refuse(field, 'is missing') : text
}

function invalid(root: Field, kind: string, salvage?: NetworkPolicy): Invalid {
  const object = `${kind} ${nameForMessages(root, kind)}`
  return { kind: 'invalid', object, problems: root.notes.problems, salvage }
}

function nameForMessages(root: Field, kind: string): string {
  const metadata = child(root, 'metadata')
  const [name, namespace] = ['name', 'namespace'].map((field) => child(metadata, field).value)
  const own = typeof name === 'string' && name !== '' ? name.slice(0, 253) : '(unnamed)'
  if (kind === 'Namespace') return own
  return `${typeof namespace === 'string' && namespace !== '' ? namespace.slice(0, 63) : 'default'}/${own}`
}
