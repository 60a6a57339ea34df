import type { ValuesOf } from '../netlink/attributes.ts'
import { NFT_SET_FLAG } from './attributes.ts'
import type { NFTA_SET } from './attributes.ts'
import { datatypes } from './datatypes.ts'
import type { Fields, SetNode } from './set.ts'
import { dataLayout, keyLayout } from './set-layout.ts'
import type { Layout } from './set-layout.ts'
import { hint, writeUserdata } from './userdata.ts'

/**
 * What declares a set or map to the kernel; `id` stands for it within the transaction. An anonymous one
 * belongs to a rule and goes with it.
 */
export function compileSet(
  table: string,
  set: SetNode,
  id: number,
  isAnonymous: boolean,
): ValuesOf<typeof NFTA_SET> {
  const key = keyLayout(set)
  const data = dataLayout(set)
  const isMap = set.data.length > 0
  return {
    NFTA_SET_TABLE: table,
    NFTA_SET_NAME: set.name,
    NFTA_SET_FLAGS: flagsOf(set, isAnonymous),
    NFTA_SET_KEY_TYPE: key.id,
    NFTA_SET_KEY_LEN: key.bytes,
    NFTA_SET_DATA_TYPE: isMap ? data.id : undefined,
    NFTA_SET_DATA_LEN: isMap ? data.bytes : undefined,
    NFTA_SET_ID: id,
    NFTA_SET_DESC: description(set, key),
    NFTA_SET_TIMEOUT: set.timeoutMs === undefined ? undefined : BigInt(set.timeoutMs),
    NFTA_SET_USERDATA: typeHints(set),
  }
}

function flagsOf({ flags, key, data }: SetNode, isAnonymous: boolean): number {
  let bits = isAnonymous ? NFT_SET_FLAG.anonymous : 0
  for (const flag of flags) bits |= NFT_SET_FLAG[flag]
  if (data.length > 0) bits |= NFT_SET_FLAG.map
  if (key.length > 1 && flags.includes('interval')) bits |= NFT_SET_FLAG.concat
  return bits
}

/** Ranges over several fields need the length of each; the kernel adds the padding itself. */
function description(
  { key, flags, size }: SetNode,
  { fields }: Layout,
): ValuesOf<typeof NFTA_SET>['NFTA_SET_DESC'] {
  const areRanges = key.length > 1 && flags.includes('interval')
  if (size === undefined && !areRanges) return undefined
  return {
    NFTA_SET_DESC_SIZE: size,
    NFTA_SET_DESC_CONCAT: areRanges
      ? fields.map(({ bytes }) => ({ NFTA_SET_FIELD_LEN: bytes }))
      : undefined,
  }
}

/**
 * Byte orders for `nft list` and no more: nft 1.0.6 crashes on the descriptions of types that newer
 * releases add to plain ones, and every release can do without them.
 */
function typeHints({ key, data }: SetNode): Uint8Array {
  const hints = [hint(KEY_BYTEORDER, byteorderOf(key))]
  if (data.length > 0) hints.push(hint(DATA_BYTEORDER, byteorderOf(data)))
  return writeUserdata(hints)
}

/** enum byteorder of nft; a concatenation has none. */
function byteorderOf([first, second]: Fields): number {
  if (first === undefined || second !== undefined) return BYTEORDER.none
  return BYTEORDER[datatypes[first].order]
}

const BYTEORDER = { none: 0, host: 1, network: 2 } as const

/** enum nftnl_udata_set_types: NFTNL_UDATA_SET_KEYBYTEORDER and …_DATABYTEORDER. */
const KEY_BYTEORDER = 0
const DATA_BYTEORDER = 1
