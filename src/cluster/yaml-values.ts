import type { Node, Pair, YAMLMap, YAMLSeq } from 'yaml'
import { isObject, type Json } from './json.ts'
import { plainScalar } from './plain-scalar.ts'
import type { YamlLibrary } from './yaml-text.ts'

/** An entry of an object or list, and where its key (of a list: its value) begins in the text. */
export interface YamlEntry {
  readonly value: Json
  readonly offset: number
}

export interface YamlValue {
  readonly value: Json
  /** The first thing that is not allowed; `value` then holds the rest. */
  readonly error: { readonly offset: number; readonly message: string } | undefined
  readonly entryOf: (container: Json | undefined, key: string) => YamlEntry | undefined
  /** Bytes as JSON, aliases written out. */
  readonly sizeOf: (part: Json) => number
}

/** Expanding aliases must not turn a small text into an endless one. */
const MAX_EXPANDED_BYTES = 64 * 1024 * 1024

/**
 * Turns parsed YAML into JSON values: aliases and merge keys resolved (shared, not copied), keys as
 * strings, duplicate keys and tags refused. Throws a RangeError on nesting deeper than the stack.
 */
export function convertYaml(root: unknown, yaml: YamlLibrary): YamlValue {
  const conversion = new Conversion(yaml)
  const value = conversion.convert(root)
  return {
    value,
    error: conversion.error,
    entryOf: (container, key) => conversion.entriesOf(container)?.get(key),
    sizeOf: (part) => conversion.sizeOf(part),
  }
}

class Conversion {
  error: YamlValue['error']
  readonly #yaml: YamlLibrary
  /** Only anchors whose value is complete: an alias inside its own anchor finds nothing. */
  readonly #anchors = new Map<string, Json>()
  readonly #entries = new WeakMap<object, ReadonlyMap<string, YamlEntry>>()
  readonly #sizes = new WeakMap<object, number>()

  constructor(yaml: YamlLibrary) {
    this.#yaml = yaml
  }

  convert(node: unknown): Json {
    if (this.#yaml.isAlias(node)) return this.#aliased(node.source, node)
    if (!this.#yaml.isNode(node)) return null
    if (node.tag !== undefined && node.tag !== STRING_TAG) {
      this.#refuse(node, `the tag ${node.tag} is not allowed; write the plain value`)
    }
    const converted = this.#convertUntagged(node)
    if ('anchor' in node && node.anchor !== undefined) this.#anchors.set(node.anchor, converted)
    return converted
  }

  entriesOf(container: Json | undefined): ReadonlyMap<string, YamlEntry> | undefined {
    return isContainer(container) ? this.#entries.get(container) : undefined
  }

  sizeOf(part: Json): number {
    if (isContainer(part)) return this.#sizes.get(part) ?? 0
    return typeof part === 'string' ? Buffer.byteLength(part) + 2 : String(part).length
  }

  #convertUntagged(node: Node): Json {
    if (this.#yaml.isMap(node)) return this.#convertMap(node)
    if (this.#yaml.isSeq(node)) return this.#convertList(node)
    if (!this.#yaml.isScalar(node)) return null
    const text = String(node.value)
    return node.type === 'PLAIN' && node.tag === undefined ? plainScalar(text) : text
  }

  #convertList(node: YAMLSeq): Json {
    const items = node.items.map((item) => ({
      value: this.convert(item),
      offset: this.#offsetOf(item),
    }))
    const list = items.map((item) => item.value)
    return this.#remember(list, new Map(items.map((item, at) => [String(at), item])), node)
  }

  #convertMap(node: YAMLMap): Json {
    const members = new Map<string, YamlEntry>()
    const merged: Json[] = []
    for (const pair of node.items) {
      const key = this.#keyOf(pair)
      const member = { value: this.convert(pair.value), offset: this.#offsetOf(pair.key) }
      if (key === MERGE_KEY) merged.push(member.value)
      else if (members.has(key)) {
        this.#refuse(pair.key, `the key "${key}" is there twice; keep one`)
      } else members.set(key, member)
    }
    for (const source of merged.flat()) this.#merge(source, members, node)
    const object = Object.fromEntries([...members].map(([key, member]) => [key, member.value]))
    return this.#remember(object, members, node)
  }

  /** Keys become strings as in JSON, so that `yes: 1` is a member named `true`. */
  #keyOf({ key }: Pair): string | typeof MERGE_KEY {
    if (this.#yaml.isScalar(key) && key.type === 'PLAIN' && key.value === '<<') return MERGE_KEY
    const name = this.convert(key)
    if (typeof name !== 'object') return String(name)
    this.#refuse(key, 'a key must be a string')
    return ''
  }

  /** Members that the object has itself win, and among several sources the first. */
  #merge(source: Json, members: Map<string, YamlEntry>, node: Node): void {
    const added = isObject(source) ? this.#entries.get(source) : undefined
    if (added === undefined) {
      this.#refuse(node, 'the merge key << needs an object or a list of objects')
    }
    for (const [key, member] of added ?? []) if (!members.has(key)) members.set(key, member)
  }

  #aliased(name: string, node: unknown): Json {
    const target = this.#anchors.get(name)
    if (target === undefined) {
      this.#refuse(node, `the alias *${name} refers to no complete value before it`)
    }
    return target ?? null
  }

  #remember(container: Container, members: ReadonlyMap<string, YamlEntry>, node: Node): Json {
    let bytes = 2
    for (const [key, member] of members) {
      bytes += this.sizeOf(member.value)
      bytes += isObject(container) ? Buffer.byteLength(key) + 4 : 1
    }
    if (bytes > MAX_EXPANDED_BYTES) {
      this.#refuse(node, 'its aliases make it larger than 64 MiB')
      return null
    }
    this.#entries.set(container, members)
    this.#sizes.set(container, bytes)
    return container
  }

  #refuse(node: unknown, message: string): void {
    this.error ??= { offset: this.#offsetOf(node), message }
  }

  #offsetOf(node: unknown): number {
    return (this.#yaml.isNode(node) ? node.range?.[0] : undefined) ?? 0
  }
}

type Container = Json & object

const MERGE_KEY = Symbol('<<')
const STRING_TAG = 'tag:yaml.org,2002:str'

function isContainer(value: Json | undefined): value is Container {
  return typeof value === 'object' && value !== null
}
