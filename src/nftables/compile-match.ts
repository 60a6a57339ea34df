import { datatypes, writeValue } from './datatypes.ts'
import type { Datatype, Value } from './datatypes.ts'
import { NftablesError } from './errors.ts'
import type { Expression } from './expressions.ts'
import { NFPROTO } from './family.ts'
import type { Family } from './family.ts'
import { compare, load, mask, setLookup, toBigEndian } from './instructions.ts'
import type { SetReference } from './instructions.ts'
import { FIRST_REGISTER, registerAt } from './registers.ts'
import { selectors } from './selectors.ts'
import type { Need, Selector, SelectorEntry } from './selectors.ts'
import { set } from './set.ts'
import type { AnyElement, SetNode } from './set.ts'
import type { AnyFlag, Compare, Lookup, Prefix } from './statements.ts'

/** What the compilation of one rule knows and asks for. */
export interface RuleContext {
  /** Of the rule's table. */
  readonly family: Family
  /** Values of `meta nfproto`, `meta protocol` and `meta l4proto` that the instructions so far make certain. */
  readonly facts: Map<Selector, Value | Prefix>
  /** Creates the set before the rule. */
  readonly addAnonymousSet: (set: SetNode, elements: readonly AnyElement[]) => SetReference
}

/** A table of one family sees only its own packets. */
export function factsOf(family: Family): RuleContext['facts'] {
  return new Map(family === 'ip' || family === 'ip6' ? [['meta nfproto', NFPROTO[family]]] : [])
}

export function compileCompare(context: RuleContext, statement: Compare): Expression[] {
  const { selector, operator, value } = statement
  const entry = entryOf(selector)
  const checks = requireFacts(context, [selector])
  if (operator === '==' && entry.load.kind === 'meta') context.facts.set(selector, value)
  if (typeof value === 'object') return [...checks, ...comparePrefix(entry, operator, value)]
  if (typeof value === 'string' && value.endsWith('*')) {
    return [...checks, load(entry.load, FIRST_REGISTER), compare(operator, beginning(value))]
  }
  const { order } = datatypes[entry.type]
  const ordered = operator !== '==' && operator !== '!=' && order === 'host'
  return [
    ...checks,
    load(entry.load, FIRST_REGISTER),
    ...(statement.mask === undefined ? [] : [mask(bytesOf(entry, statement.mask))]),
    ...(ordered ? [toBigEndian(FIRST_REGISTER, datatypes[entry.type].bytes)] : []),
    compare(operator, bytesOf(entry, value, ordered)),
  ]
}

export function compileAnyFlag(context: RuleContext, { selector, flags }: AnyFlag): Expression[] {
  const entry = entryOf(selector)
  return [
    ...requireFacts(context, [selector]),
    load(entry.load, FIRST_REGISTER),
    mask(bytesOf(entry, flags)),
    compare('!=', bytesOf(entry, 0)),
  ]
}

export function compileLookup(context: RuleContext, { key, negated, set }: Lookup): Expression[] {
  if ('kind' in set) {
    return [...loadKey(context, key, isInterval(set)), setLookup({ name: set.name }, negated)]
  }
  const node = anonymousSet(key, set)
  const reference = context.addAnonymousSet(node, set)
  return [...loadKey(context, key, isInterval(node)), setLookup(reference, negated)]
}

/** Loads a key, field behind field, from the first register on; `bigEndian` as interval sets have it. */
export function loadKey(
  context: RuleContext,
  key: readonly Selector[],
  bigEndian: boolean,
): Expression[] {
  const expressions = requireFacts(context, key)
  let at = 0
  for (const selector of key) {
    const { load: source, type } = entryOf(selector)
    const { bytes, order, form }: Datatype = datatypes[type]
    const register = registerAt(at)
    expressions.push(load(source, register))
    if (bigEndian && order === 'host' && form === 'integer' && bytes > 1) {
      expressions.push(toBigEndian(register, bytes))
    }
    at += (bytes + 3) & ~3
  }
  return expressions
}

export function isInterval({ flags }: SetNode): boolean {
  return flags.includes('interval')
}

/** The checks without which the selectors do not mean what they say, as far as they are still to be made. */
function requireFacts(context: RuleContext, key: readonly Selector[]): Expression[] {
  return key.flatMap((selector) =>
    entryOf(selector).needs.flatMap((need) => require(context, need)),
  )
}

export function require({ family, facts }: RuleContext, need: Need): Expression[] {
  const [selector, name] = checkOf(family, need)
  const entry = entryOf(selector)
  const { symbols }: Datatype = datatypes[entry.type]
  const value = symbols[name] ?? 0
  if (facts.get(selector) === value) return []
  facts.set(selector, value)
  return [load(entry.load, FIRST_REGISTER), compare('==', bytesOf(entry, value))]
}

/** By what a rule finds out, and what it then reads: a bridge knows the protocols by their ethertypes. */
function checkOf(family: Family, need: Need): readonly [selector: Selector, name: string] {
  if (need === 'arp') return ['meta protocol', need]
  if (need !== 'ipv4' && need !== 'ipv6') return ['meta l4proto', need]
  if (family !== 'bridge') return ['meta nfproto', need]
  return ['meta protocol', need === 'ipv4' ? 'ip' : 'ip6']
}

/** Whole bytes are compared as they are, without a mask, as nft does. */
function comparePrefix(
  entry: SelectorEntry,
  operator: Compare['operator'],
  { first, prefix }: Prefix,
): Expression[] {
  const data = bytesOf(entry, first)
  if (!Number.isInteger(prefix) || prefix < 0 || prefix > 8 * data.length) {
    throw new NftablesError('NFT_VALUE', `${prefix} is not a prefix length of type ${entry.type}.`)
  }
  if (prefix > 0 && prefix % 8 === 0) {
    const bytes = prefix / 8
    return [load(entry.load, FIRST_REGISTER, bytes), compare(operator, data.subarray(0, bytes))]
  }
  const bits = data.map((_, index) => 0xff00 >> Math.min(8, Math.max(0, prefix - 8 * index)))
  return [load(entry.load, FIRST_REGISTER), mask(bits), compare(operator, data)]
}

/** A comparison of fewer bytes than the name has: all names that begin so. */
function beginning(pattern: string): Uint8Array {
  return new TextEncoder().encode(pattern.slice(0, -1))
}

function anonymousSet(key: readonly Selector[], elements: readonly AnyElement[]): SetNode {
  const intervals = elements.some(({ last }) => last !== undefined)
  const types = key.map((selector) => entryOf(selector).type)
  if (intervals) return set('__set%d', types, { flags: ['constant', 'interval'] })
  return set('__set%d', types, { flags: ['constant'], size: elements.length })
}

function bytesOf(entry: SelectorEntry, value: Value, bigEndian = false): Uint8Array {
  const bytes = new Uint8Array(datatypes[entry.type].bytes)
  writeValue(bytes, 0, entry.type, value, bigEndian)
  return bytes
}

function entryOf(selector: Selector): SelectorEntry {
  return selectors[selector]
}
