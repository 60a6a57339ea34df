/** A value as JSON can hold it. */
export type Json = string | number | boolean | null | readonly Json[] | JsonObject
export type JsonObject = { readonly [key: string]: Json }

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The object at a key; an empty one when there is none. Own keys only. */
export function objectAt(value: Json | undefined, key: string): JsonObject {
  const member = memberAt(value, key)
  return isObject(member) ? member : {}
}

/** The list at a key; an empty one when there is none. */
export function listAt(value: Json | undefined, key: string): readonly Json[] {
  const member = memberAt(value, key)
  return isList(member) ? member : []
}

/** The string at a key; '' when there is none. */
export function textAt(value: Json | undefined, key: string): string {
  const member = memberAt(value, key)
  return typeof member === 'string' ? member : ''
}

export function memberAt(value: Json | undefined, key: string): Json | undefined {
  return isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined
}

// `Array.isArray` alone does not narrow a readonly array.
function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value)
}
