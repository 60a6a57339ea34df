import { addressFromBytes } from '../netlink/address-bytes.ts'
import { attributes } from '../netlink/attributes.ts'
import { decode } from '../netlink/decode.ts'
import { decodeEach } from '../netlink/decode-each.ts'
import type { Address } from '../policy/address.ts'
import { NFTA_EXPR } from './attributes.ts'
import { expressions } from './expressions.ts'
import { VERDICT_REGISTER } from './registers.ts'

/** What a rule does with packets that reach its end; `other` may be to go on in another chain. */
export type RuleEnd = 'drop' | 'reject' | 'notrack' | 'accept' | 'other'

/** What a packet has to be for the rule to go on. */
export type RuleCondition =
  /** The interface that it comes from or leaves by has this name, or one that begins so. */
  | { readonly kind: 'interface'; readonly name: string; readonly isPrefix: boolean }
  /** Its source or destination lies between these two, of one family. */
  | { readonly kind: 'address'; readonly first: Address; readonly last: Address }
  /** Something that is not read here. */
  | { readonly kind: 'other' }

export interface ReadRule {
  readonly end: RuleEnd
  readonly conditions: readonly RuleCondition[]
}

/**
 * Reads somebody else's rule, as `listRules` gives it: far enough to tell whether it ends the way of packets of a
 * certain interface or address.
 *
 * @throws {NetlinkDecodeError} when it is damaged
 */
export function readRule(encoded: Uint8Array): ReadRule {
  const rule: Reading = { end: 'other', conditions: [], loaded: undefined }
  for (const expression of decodeEach(NFTA_EXPR, encoded)) {
    const { NFTA_EXPR_NAME: name = '', NFTA_EXPR_DATA: data } = expression
    const read = READERS[name] ?? readOther
    read(rule, data ?? new Uint8Array())
  }
  return rule
}

interface Reading {
  end: RuleEnd
  readonly conditions: RuleCondition[]
  /** What the next comparison is about, where that is read here. */
  loaded: Loaded | undefined
}

type Loaded =
  | { readonly kind: 'interface' | 'protocol' }
  /** So many bytes of an address, and which of their bits. */
  | { readonly kind: 'address'; readonly bytes: number; readonly mask: Uint8Array | undefined }

type Reader = (rule: Reading, data: Uint8Array) => void

const readOther: Reader = ({ conditions }) => void conditions.push({ kind: 'other' })
const pass: Reader = () => undefined

/** By the kernel's name of the instruction. `target` and `match` are those of iptables (linux/netfilter/nf_tables_compat.h). */
const READERS: Readonly<Record<string, Reader>> = {
  meta: readMeta,
  payload: readPayload,
  bitwise: readMask,
  cmp: readComparison,
  immediate: readVerdict,
  counter: pass,
  log: pass,
  reject: (rule) => {
    rule.end = 'reject'
  },
  notrack: (rule) => {
    rule.end = 'notrack'
  },
  target: (rule, data) => {
    const { NFTA_TARGET_NAME: name = '' } = decode(NFTA_TARGET, data)
    rule.end = TARGETS[name] ?? 'other'
  },
}

const NFTA_TARGET = attributes({ NFTA_TARGET_NAME: [1, 'string'] })
/** `CT` sets more than that, but nearly always this. */
const TARGETS: Readonly<Record<string, RuleEnd>> = {
  REJECT: 'reject',
  DROP: 'drop',
  NOTRACK: 'notrack',
  CT: 'notrack',
}

/** enum nft_meta_keys: what tells of the protocol is no condition, since addresses have one. */
const META: Readonly<Record<number, Loaded>> = {
  1: { kind: 'protocol' },
  6: { kind: 'interface' },
  7: { kind: 'interface' },
  15: { kind: 'protocol' },
}

function readMeta(rule: Reading, data: Uint8Array): void {
  rule.loaded = META[decode(expressions.meta, data).NFTA_META_KEY ?? -1]
}

const NETWORK_HEADER = 1
/** Offsets of source and destination, and how long they are, in the headers of IPv4 and IPv6. */
const ADDRESSES = [
  { offset: 12, bytes: 4 },
  { offset: 16, bytes: 4 },
  { offset: 8, bytes: 16 },
  { offset: 24, bytes: 16 },
]

function readPayload(rule: Reading, data: Uint8Array): void {
  const {
    NFTA_PAYLOAD_BASE: base,
    NFTA_PAYLOAD_OFFSET: at,
    NFTA_PAYLOAD_LEN: length = 0,
  } = decode(expressions.payload, data)
  const field = ADDRESSES.find(({ offset, bytes }) => offset === at && length <= bytes)
  // The first bytes of a long address are at none of the places of a short one.
  rule.loaded =
    base === NETWORK_HEADER && field !== undefined
      ? { kind: 'address', bytes: field.bytes, mask: undefined }
      : undefined
}

function readMask(rule: Reading, data: Uint8Array): void {
  const mask = decode(expressions.bitwise, data).NFTA_BITWISE_MASK?.NFTA_DATA_VALUE
  rule.loaded = rule.loaded?.kind === 'address' && mask ? { ...rule.loaded, mask } : undefined
}

const COMPARE_EQUAL = 0

function readComparison(rule: Reading, data: Uint8Array): void {
  const { loaded } = rule
  rule.loaded = undefined
  const { NFTA_CMP_OP: operator, NFTA_CMP_DATA: operand } = decode(expressions.cmp, data)
  const value = operand?.NFTA_DATA_VALUE
  if (loaded?.kind === 'protocol' && operator === COMPARE_EQUAL) return
  if (loaded === undefined || operator !== COMPARE_EQUAL || value === undefined) {
    rule.conditions.push({ kind: 'other' })
  } else if (loaded.kind === 'address') rule.conditions.push(addressCondition(loaded, value))
  else rule.conditions.push(interfaceCondition(value))
}

/** A whole name is filled up with zeros; what has none is the beginning of one. */
function interfaceCondition(value: Uint8Array): RuleCondition {
  const end = value.indexOf(0)
  const name = Buffer.from(end < 0 ? value : value.subarray(0, end)).toString('latin1')
  return { kind: 'interface', name, isPrefix: end < 0 }
}

function addressCondition(
  { bytes, mask }: Extract<Loaded, { kind: 'address' }>,
  value: Uint8Array,
): RuleCondition {
  const first = new Uint8Array(bytes)
  const last = new Uint8Array(bytes).fill(0xff)
  value.forEach((byte, at) => {
    first[at] = byte
    last[at] = byte | (~(mask?.[at] ?? 0xff) & 0xff)
  })
  const [from, to] = [first, last].map((one) => addressFromBytes(one, 'NFTA_CMP_DATA'))
  return from === undefined || to === undefined
    ? { kind: 'other' }
    : { kind: 'address', first: from, last: to }
}

/** NF_DROP and NF_ACCEPT. */
const VERDICTS: Readonly<Record<number, RuleEnd>> = { 0: 'drop', 1: 'accept' }

function readVerdict(rule: Reading, data: Uint8Array): void {
  const { NFTA_IMMEDIATE_DREG: register, NFTA_IMMEDIATE_DATA: operand } = decode(
    expressions.immediate,
    data,
  )
  if (register !== VERDICT_REGISTER) return
  rule.end = VERDICTS[operand?.NFTA_DATA_VERDICT?.NFTA_VERDICT_CODE ?? -1] ?? 'other'
}
