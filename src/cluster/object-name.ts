import { type JsonObject, objectAt, textAt } from './json.ts'

/** How messages call an object: `NetworkPolicy production/allow-api`, as far as it says. */
export function objectName(object: JsonObject): string {
  const metadata = objectAt(object, 'metadata')
  const namespace = textAt(metadata, 'namespace')
  const name = textAt(metadata, 'name')
  return [textAt(object, 'kind'), namespace === '' ? name : `${namespace}/${name}`]
    .filter((part) => part !== '')
    .join(' ')
}

/**
 * What tells objects apart: group (any version of it), kind, namespace, name; `undefined` for an object
 * without a name.
 */
export function objectIdentity(object: JsonObject): string | undefined {
  const metadata = objectAt(object, 'metadata')
  const name = textAt(metadata, 'name')
  const kind = textAt(object, 'kind')
  if (name === '' || kind === '') return undefined
  const apiVersion = textAt(object, 'apiVersion')
  const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : ''
  // A namespace has none itself; whether other kinds do makes no difference here.
  const namespace = kind === 'Namespace' ? '' : textAt(metadata, 'namespace') || 'default'
  return [group, kind, namespace, name].join(' ')
}
