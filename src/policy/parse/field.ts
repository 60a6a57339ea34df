import { nearest } from './nearest.ts'

/** Something wrong with, or odd about, an object, and where: `spec.ingress[0].ports[1].endPort`. */
export interface Problem {
  readonly path: string
  readonly message: string
}

/**
 * What to do with fields that the API does not have: 'reject' for what people write, 'ignore' for what an API
 * server has accepted, which may be newer than we are.
 */
export type UnknownFields = 'reject' | 'ignore'

/** A value somewhere in an object of unknown shape. Reading one never throws; it notes what is wrong. */
export interface Field {
  readonly value: unknown
  readonly path: string
  readonly notes: Notes
}

export interface Notes {
  readonly unknownFields: UnknownFields
  /** The first 50: a hostile object could fill the memory with them. */
  readonly problems: Problem[]
  readonly warnings: Problem[]
  /** All problems, kept or not. */
  total: number
}

const KEPT_PROBLEMS = 50

export function rootField(value: unknown, unknownFields: UnknownFields): Field {
  return { value, path: '', notes: { unknownFields, problems: [], warnings: [], total: 0 } }
}

/**
 * Notes a problem; a message that costs something to make is given as a function, for it may not be kept.
 * Returns undefined, for a reader to return in place of a value.
 */
export function refuse(field: Field, message: string | (() => string)): undefined {
  const { notes, path } = field
  notes.total += 1
  if (notes.problems.length >= KEPT_PROBLEMS) return
  notes.problems.push({ path, message: typeof message === 'string' ? message : message() })
}

export function warn(field: Field, message: string): void {
  const { warnings } = field.notes
  if (warnings.length < KEPT_PROBLEMS) warnings.push({ path: field.path, message })
}

/** Absent and null are the same to the API server. */
export function isAbsent({ value }: Field): boolean {
  return value === undefined || value === null
}

/** A field of an object; absent when the object is absent or no object. */
export function child(field: Field, name: string): Field {
  const { value, path, notes } = field
  const inside = isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined
  return { value: inside, path: pathOf(path, name), notes }
}

/** All fields of an object. Absent is empty. */
export function children(field: Field): readonly (readonly [name: string, field: Field])[] {
  if (!checkObject(field) || !isObject(field.value)) return []
  return Object.keys(field.value).map((name) => [name, child(field, name)] as const)
}

/** The items of a list. Absent is empty. */
export function items(field: Field): readonly Field[] {
  const { value, path, notes } = field
  if (isAbsent(field)) return []
  if (!Array.isArray(value)) {
    refuse(field, `must be a list, not ${describe(value)}`)
    return []
  }
  return Array.from(value, (item: unknown, index) => ({
    value: item,
    path: `${path}[${index}]`,
    notes,
  }))
}

/** Notes unless this is an object, with no fields but the `known` ones where those are given. Absent is empty. */
export function checkObject(field: Field, known?: readonly string[]): boolean {
  const { value, notes } = field
  if (isAbsent(field)) return true
  if (!isObject(value)) {
    refuse(field, `must be an object, not ${describe(value)}`)
    return false
  }
  if (known === undefined || notes.unknownFields === 'ignore') return true
  for (const name of Object.keys(value)) {
    if (!known.includes(name)) refuse(child(field, name), () => unknownField(name, known))
  }
  return true
}

function unknownField(name: string, known: readonly string[]): string {
  const meant = nearest(name, known)
  const remedy = meant === undefined ? `known are ${known.join(', ')}` : `did you mean ${meant}?`
  return `is not a field of this object; ${remedy}`
}

/** A text, or undefined after noting that it is none. Absent is empty. */
export function readText(field: Field): string | undefined {
  const { value } = field
  if (isAbsent(field)) return ''
  if (typeof value === 'string') return value
  const remedy = typeof value === 'number' || typeof value === 'boolean' ? ': put it in quotes' : ''
  return refuse(field, `must be a string, not ${describe(value)}${remedy}`)
}

/** One of the words, or undefined: after noting what else it is, or when it is absent. */
export function readWord<Word extends string>(
  field: Field,
  words: readonly Word[],
): Word | undefined {
  if (isAbsent(field)) return undefined
  const word = words.find((one) => one === field.value)
  return word ?? refuse(field, `must be one of ${words.join(', ')}, not ${describe(field.value)}`)
}

/** A value in a few words, whatever it is. */
export function describe(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}...` : value)
    case 'number':
    case 'boolean':
      return `the ${typeof value} ${value}`
    case 'object':
      return value === null ? 'null' : Array.isArray(value) ? 'a list' : 'an object'
    default:
      return `a ${typeof value}`
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function pathOf(path: string, name: string): string {
  if (!/^[A-Za-z][A-Za-z0-9]{0,62}$/.test(name)) return `${path}[${describe(name)}]`
  return path === '' ? name : `${path}.${name}`
}
