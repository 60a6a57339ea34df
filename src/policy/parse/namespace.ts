import type { Field } from './field.ts'
import { checkObject } from './field.ts'
import type { Labels, Namespace } from '../model.ts'
import { dnsLabelFault } from './names.ts'
import { OBJECT_FIELDS, readMetadata } from './metadata.ts'

/** Reads a `v1` Namespace. Undefined when it has no usable name. */
export function readNamespace(object: Field): Namespace | undefined {
  checkObject(object, OBJECT_FIELDS)
  const { name, labels } = readMetadata(object, dnsLabelFault)
  return name === undefined ? undefined : namespaceOf(name, labels)
}

/** A namespace with these labels, and the one that every namespace has, whatever the object says. */
export function namespaceOf(name: string, labels: Labels = new Map()): Namespace {
  return { name, labels: new Map([...labels, ['kubernetes.io/metadata.name', name]]) }
}
