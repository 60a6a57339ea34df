import type { Field } from './field.ts'
import { checkObject, child, children, describe, isAbsent, readText, refuse } from './field.ts'
import type { Labels } from '../model.ts'
import { dnsLabelFault, labelKeyFault, labelValueFault } from './names.ts'

/** Fields of every object's top level (API: `TypeMeta`, `ObjectMeta`, spec, status). */
export const OBJECT_FIELDS = ['apiVersion', 'kind', 'metadata', 'spec', 'status']

/** What we read of an object's metadata; undefined is what was refused. */
export interface Metadata {
  readonly name: string | undefined
  /** `default` where the object names none. */
  readonly namespace: string | undefined
  readonly uid: string
  readonly labels: Labels
  /** Milliseconds since the epoch; 0 where the object does not say. */
  readonly createdAt: number
}

/** Reads the `metadata` of an object whose kind has names of that sort. */
export function readMetadata(
  object: Field,
  nameFault: (name: string) => string | undefined,
): Metadata {
  const metadata = child(object, 'metadata')
  checkObject(metadata, METADATA_FIELDS)
  const namespace = child(metadata, 'namespace')
  return {
    name: readName(child(metadata, 'name'), nameFault),
    namespace:
      namespace.value === '' || isAbsent(namespace)
        ? 'default'
        : readName(namespace, dnsLabelFault),
    uid: readText(child(metadata, 'uid')) ?? '',
    labels: readLabels(child(metadata, 'labels')),
    createdAt: readTime(child(metadata, 'creationTimestamp')),
  }
}

/** Label keys and values; those that the API refuses are noted and left out. */
export function readLabels(field: Field): Labels {
  const labels = new Map<string, string>()
  for (const [key, entry] of children(field)) {
    const value = readText(entry)
    if (value === undefined) continue
    const keyFault = labelKeyFault(key)
    const valueFault = labelValueFault(value)
    if (keyFault !== undefined) refuse(entry, `has a key that ${keyFault}`)
    if (valueFault !== undefined) refuse(entry, `${valueFault}: ${describe(value)}`)
    labels.set(key, value)
  }
  return labels
}

/** `clusterName` ended with 1.24; all others are current. */
const METADATA_FIELDS = [
  'name',
  'generateName',
  'namespace',
  'selfLink',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'labels',
  'annotations',
  'ownerReferences',
  'finalizers',
  'managedFields',
]

function readName(
  field: Field,
  nameFault: (name: string) => string | undefined,
): string | undefined {
  const name = readText(field)
  if (name === undefined) return undefined
  if (name === '') return refuse(field, 'is missing: every object here needs one')
  const fault = nameFault(name)
  return fault === undefined ? name : refuse(field, `${fault}: ${describe(name)}`)
}

function readTime(field: Field): number {
  const text = readText(field)
  if (text === undefined || text === '') return 0
  const time = RFC3339.test(text) ? Date.parse(text) : Number.NaN
  if (!Number.isNaN(time)) return time
  refuse(field, `must be a time such as 2026-01-31T12:00:00Z, not ${describe(text)}`)
  return 0
}

const RFC3339 = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/
