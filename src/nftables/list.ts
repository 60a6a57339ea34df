import type { ValuesOf } from '../netlink/attributes.ts'
import { decode } from '../netlink/decode.ts'
import { decodeEach } from '../netlink/decode-each.ts'
import { nfgenmsg } from '../netlink/headers.ts'
import { makeRequest, readReply } from '../netlink/message.ts'
import type { Reply, Request } from '../netlink/message.ts'
import { MESSAGE_TYPES } from '../netlink/message-types.ts'
import type { NetlinkSocket } from '../netlink/socket.ts'
import {
  NFT_HOOK,
  NFT_OBJECT_COUNTER,
  NFT_POLICY,
  NFT_SET_FLAG,
  NFT_TABLE_FLAG,
  NFTA_CHAIN,
  NFTA_COUNTER,
  NFTA_OBJ,
  NFTA_RULE,
  NFTA_RULE_DUMP,
  NFTA_SET,
  NFTA_SET_ELEM,
  NFTA_SET_ELEM_DUMP,
  NFTA_SET_ELEM_LIST,
  NFTA_TABLE,
} from './attributes.ts'
import { datatypes } from './datatypes.ts'
import type { TypeName } from './datatypes.ts'
import { eachOnce } from './each-once.ts'
import { familyHeader } from './family.ts'
import type { Family } from './family.ts'
import { keysOf } from './keys-of.ts'
import { elementReader, readElements } from './read-elements.ts'
import type { ListedElement, RawElement } from './read-elements.ts'
import { hasBounds } from './set.ts'
import type { SetFlag, SetNode } from './set.ts'
import type { BaseChain, TableReference } from './transaction.ts'
import { readComment } from './userdata.ts'

export interface ListedTable {
  readonly table: string
  readonly flags: readonly (keyof typeof NFT_TABLE_FLAG)[]
  readonly comment: string | undefined
  /** Port id of the socket that owns it. */
  readonly owner: number | undefined
}

export interface ListedChain {
  readonly chain: string
  /** In a base chain. */
  readonly base: Required<BaseChain> | undefined
}

export interface ListedRule {
  readonly chain: string
  readonly handle: bigint
  readonly comment: string | undefined
  /** The kernel's own encoding of its instructions: equal rules have equal bytes. */
  readonly expressions: Uint8Array
}

/** A set as declared, but for type numbers that we have no name for. */
export interface ListedSet {
  readonly set: string
  readonly key: readonly (TypeName | number)[]
  /** Empty in a set. */
  readonly data: readonly (TypeName | number)[]
  readonly flags: readonly SetFlag[]
  readonly size: number | undefined
  readonly timeoutMs: number | undefined
  readonly userdata: Uint8Array | undefined
  /** How many elements it has; undefined from kernels that do not say (Linux 6.18 does). */
  readonly count: number | undefined
}

/** What a named counter has counted since it was made. */
export interface ListedCounter {
  readonly counter: string
  readonly packets: bigint
  readonly bytes: bigint
}

/** The tables of one family. */
export function listTables(socket: NetlinkSocket, family: Family): ListedTable[] {
  const request = makeRequest(
    MESSAGE_TYPES.NFT_MSG_GETTABLE,
    0,
    familyHeader(family),
    NFTA_TABLE,
    {},
  )
  return socket.dump(request, (reply) => {
    const { attributes } = readReply(reply, nfgenmsg, NFTA_TABLE)
    return {
      table: attributes.NFTA_TABLE_NAME ?? '',
      flags: namesOf(NFT_TABLE_FLAG, attributes.NFTA_TABLE_FLAGS ?? 0),
      comment: readComment(attributes.NFTA_TABLE_USERDATA),
      owner: attributes.NFTA_TABLE_OWNER,
    }
  })
}

/** The chains of a table; none where the table does not exist. */
export function listChains(
  socket: NetlinkSocket,
  { family, table }: TableReference,
): ListedChain[] {
  const request = makeRequest(
    MESSAGE_TYPES.NFT_MSG_GETCHAIN,
    0,
    familyHeader(family),
    NFTA_CHAIN,
    {},
  )
  return socket
    .dump(request, (reply) => readReply(reply, nfgenmsg, NFTA_CHAIN).attributes)
    .filter((values) => values.NFTA_CHAIN_TABLE === table)
    .map((values) => ({ chain: values.NFTA_CHAIN_NAME ?? '', base: readBase(values) }))
}

/** A chain that packets enter, of any table. */
export interface ListedBaseChain {
  readonly table: TableReference
  readonly chain: string
  readonly base: Required<BaseChain>
}

/** The chains of a family that packets enter. Lets other work go on: some nodes have ten thousands of chains. */
export async function listBaseChains(
  socket: NetlinkSocket,
  family: Family,
): Promise<ListedBaseChain[]> {
  const type = MESSAGE_TYPES.NFT_MSG_GETCHAIN
  const request = makeRequest(type, 0, familyHeader(family), NFTA_CHAIN, {})
  const found = await socket.dumpApart(request, (reply): ListedBaseChain[] => {
    const { attributes } = readReply(reply, nfgenmsg, NFTA_CHAIN)
    const { NFTA_CHAIN_TABLE: table = '', NFTA_CHAIN_NAME: chain = '' } = attributes
    const base = readBase(attributes)
    return base === undefined ? [] : [{ table: { family, table }, chain, base }]
  })
  return found.flat()
}

/** The rules of a table, or of one chain of it, in order. */
export function listRules(
  socket: NetlinkSocket,
  { family, table }: TableReference,
  chain?: string,
): ListedRule[] {
  const type = MESSAGE_TYPES.NFT_MSG_GETRULE
  const values = { NFTA_RULE_TABLE: table, NFTA_RULE_CHAIN: chain }
  const request = makeRequest(type, 0, familyHeader(family), NFTA_RULE, values)
  return socket.dump(request, (reply) => {
    const { attributes } = readReply(reply, nfgenmsg, NFTA_RULE_DUMP)
    return {
      chain: attributes.NFTA_RULE_CHAIN ?? '',
      handle: attributes.NFTA_RULE_HANDLE ?? 0n,
      comment: readComment(attributes.NFTA_RULE_USERDATA),
      expressions: attributes.NFTA_RULE_EXPRESSIONS ?? new Uint8Array(),
    }
  })
}

/** The sets and maps of a table, without those that belong to rules. */
export function listSets(socket: NetlinkSocket, { family, table }: TableReference): ListedSet[] {
  const type = MESSAGE_TYPES.NFT_MSG_GETSET
  const values = { NFTA_SET_TABLE: table }
  return socket
    .dump(makeRequest(type, 0, familyHeader(family), NFTA_SET, values), (reply) => {
      return readReply(reply, nfgenmsg, NFTA_SET).attributes
    })
    .filter(({ NFTA_SET_FLAGS: flags = 0 }) => (flags & NFT_SET_FLAG.anonymous) === 0)
    .map(readSet)
}

/**
 * The elements of a set, as `addElements` takes them. Lets other work go on between datagrams, since a set
 * of 100,000 elements takes a while; only the bounds of intervals are joined in one go.
 *
 * @throws {NftablesError} when the elements there are not of the types that `set` names.
 */
export async function listElements(
  socket: NetlinkSocket,
  table: TableReference,
  set: SetNode,
): Promise<ListedElement[]> {
  const request = listing(table, set)
  const read = (reply: Reply): readonly RawElement[] =>
    readReply(reply, nfgenmsg, NFTA_SET_ELEM_DUMP).attributes.NFTA_SET_ELEM_LIST_ELEMENTS ?? []
  if (hasBounds(set)) return readElements(set, (await socket.dumpApart(request, read)).flat())
  return eachOnce(
    (await socket.dumpApart(request, (reply) => readElements(set, read(reply)))).flat(),
  )
}

/**
 * The elements of a set in pieces, as the kernel lists them on another thread. Each is decoded when it is asked for, so
 * that whoever reads decides how much of it at once. While the set changes, elements may be missing, and others there
 * twice. Not for intervals of one key (`hasBounds`), which are told only by all of them.
 *
 * @throws {NftablesError} when the elements there are not of the types that `set` names.
 */
export async function* elementsInPieces(
  socket: NetlinkSocket,
  table: TableReference,
  set: SetNode,
): AsyncGenerator<Iterable<ListedElement>, void, undefined> {
  for await (const replies of socket.dumpInPieces(listing(table, set))) {
    yield readEach(set, replies)
    giveBack(replies)
  }
}

/**
 * Frees the memory of messages that have been read, of which each datagram has its own. V8 would keep it: what outlives
 * two of its short collections is old, and counts until the next one of the whole heap, which it thereby brings on.
 */
function giveBack(replies: readonly Reply[]): void {
  for (const { payload } of replies) {
    const { buffer } = payload
    if (buffer instanceof ArrayBuffer && !buffer.detached) buffer.transfer(0)
  }
}

function* readEach(set: SetNode, replies: readonly Reply[]): Generator<ListedElement> {
  const read = elementReader(set)
  for (const reply of replies) {
    const { attributes } = readReply(reply, nfgenmsg, NFTA_SET_ELEM_LIST)
    const elements = attributes.NFTA_SET_ELEM_LIST_ELEMENTS ?? new Uint8Array()
    for (const raw of decodeEach(NFTA_SET_ELEM, elements)) yield read(raw)
  }
}

function listing({ family, table }: TableReference, { name }: SetNode): Request {
  const values = { NFTA_SET_ELEM_LIST_TABLE: table, NFTA_SET_ELEM_LIST_SET: name }
  const type = MESSAGE_TYPES.NFT_MSG_GETSETELEM
  return makeRequest(type, 0, familyHeader(family), NFTA_SET_ELEM_LIST, values)
}

/** The named counters of a table. */
export function listCounters(
  socket: NetlinkSocket,
  { family, table }: TableReference,
): ListedCounter[] {
  const type = MESSAGE_TYPES.NFT_MSG_GETOBJ
  const values = { NFTA_OBJ_TABLE: table, NFTA_OBJ_TYPE: NFT_OBJECT_COUNTER }
  return socket.dump(makeRequest(type, 0, familyHeader(family), NFTA_OBJ, values), (reply) => {
    const { attributes } = readReply(reply, nfgenmsg, NFTA_OBJ)
    const counted = decode(NFTA_COUNTER, attributes.NFTA_OBJ_DATA ?? new Uint8Array())
    return {
      counter: attributes.NFTA_OBJ_NAME ?? '',
      packets: counted.NFTA_COUNTER_PACKETS ?? 0n,
      bytes: counted.NFTA_COUNTER_BYTES ?? 0n,
    }
  })
}

function readBase(values: ValuesOf<typeof NFTA_CHAIN>): ListedChain['base'] {
  const { NFTA_CHAIN_HOOK: hook, NFTA_CHAIN_TYPE: type } = values
  const name = namedIn(NFT_HOOK, hook?.NFTA_HOOK_HOOKNUM)
  if (name === undefined || (type !== 'filter' && type !== 'nat' && type !== 'route')) {
    return undefined
  }
  return {
    type,
    hook: name,
    priority: (hook?.NFTA_HOOK_PRIORITY ?? 0) | 0,
    policy: namedIn(NFT_POLICY, values.NFTA_CHAIN_POLICY) ?? 'accept',
  }
}

function readSet(values: ValuesOf<typeof NFTA_SET>): ListedSet {
  const timeout = values.NFTA_SET_TIMEOUT
  return {
    set: values.NFTA_SET_NAME ?? '',
    key: typesOf(values.NFTA_SET_KEY_TYPE ?? 0),
    data: typesOf(values.NFTA_SET_DATA_TYPE ?? 0),
    flags: namesOf(SET_FLAG, values.NFTA_SET_FLAGS ?? 0),
    size: values.NFTA_SET_DESC?.NFTA_SET_DESC_SIZE,
    timeoutMs: timeout === undefined ? undefined : Number(timeout),
    userdata: values.NFTA_SET_USERDATA,
    count: values.NFTA_SET_COUNT,
  }
}

/** Without those that follow from key and data. */
const SET_FLAG: Readonly<Record<SetFlag, number>> = {
  constant: NFT_SET_FLAG.constant,
  interval: NFT_SET_FLAG.interval,
  timeout: NFT_SET_FLAG.timeout,
  dynamic: NFT_SET_FLAG.dynamic,
}

/** nft's number of a concatenation: 6 bits for each field, the first one highest. */
function typesOf(id: number): (TypeName | number)[] {
  const types: (TypeName | number)[] = []
  for (let rest = id; rest > 0; rest = Math.floor(rest / 64)) {
    types.unshift(typeNames.get(rest % 64) ?? rest % 64)
  }
  return types
}

const typeNames = new Map<number, TypeName>(
  keysOf(datatypes).map((name) => [datatypes[name].id, name]),
)

function namesOf<K extends string>(bits: Readonly<Record<K, number>>, value: number): K[] {
  return keysOf(bits).filter((name) => (value & bits[name]) !== 0)
}

function namedIn<K extends string>(
  numbers: Readonly<Record<K, number>>,
  value: number | undefined,
): K | undefined {
  return keysOf(numbers).find((name) => numbers[name] === value)
}
