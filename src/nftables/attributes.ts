import { attributes, list, nested } from '../netlink/attributes.ts'
import type { Attribute, AttributeSpec, AttributeTable } from '../netlink/attributes.ts'

/** Attribute tables and constants of nf_tables, from linux/netfilter/nf_tables.h. */

export const NFTA_TABLE = attributes({
  NFTA_TABLE_NAME: [1, 'string'],
  NFTA_TABLE_FLAGS: [2, 'be32'],
  NFTA_TABLE_USE: [3, 'be32'],
  NFTA_TABLE_HANDLE: [4, 'be64'],
  NFTA_TABLE_USERDATA: [6, 'binary'],
  NFTA_TABLE_OWNER: [7, 'be32'],
})

export const NFTA_HOOK = attributes({
  NFTA_HOOK_HOOKNUM: [1, 'be32'],
  /** Signed. */
  NFTA_HOOK_PRIORITY: [2, 'be32'],
})

export const NFTA_CHAIN = attributes({
  NFTA_CHAIN_TABLE: [1, 'string'],
  NFTA_CHAIN_HANDLE: [2, 'be64'],
  NFTA_CHAIN_NAME: [3, 'string'],
  NFTA_CHAIN_HOOK: [4, nested(NFTA_HOOK)],
  NFTA_CHAIN_POLICY: [5, 'be32'],
  NFTA_CHAIN_USE: [6, 'be32'],
  NFTA_CHAIN_TYPE: [7, 'string'],
})

/** The table of `NFTA_EXPR_DATA` depends on the name. */
export const NFTA_EXPR = attributes({
  NFTA_EXPR_NAME: [1, 'string'],
  NFTA_EXPR_DATA: [2, 'nestedBytes'],
})

export const NFTA_RULE = attributes({
  NFTA_RULE_TABLE: [1, 'string'],
  NFTA_RULE_CHAIN: [2, 'string'],
  NFTA_RULE_HANDLE: [3, 'be64'],
  NFTA_RULE_EXPRESSIONS: [4, list(NFTA_EXPR)],
  NFTA_RULE_USERDATA: [7, 'binary'],
})

/** To read a rule without taking it apart. */
export const NFTA_RULE_DUMP = attributes({
  NFTA_RULE_CHAIN: [2, 'string'],
  NFTA_RULE_HANDLE: [3, 'be64'],
  NFTA_RULE_EXPRESSIONS: [4, 'nestedBytes'],
  NFTA_RULE_USERDATA: [7, 'binary'],
})

export const NFTA_SET_FIELD = attributes({ NFTA_SET_FIELD_LEN: [1, 'be32'] })

export const NFTA_SET_DESC = attributes({
  NFTA_SET_DESC_SIZE: [1, 'be32'],
  NFTA_SET_DESC_CONCAT: [2, list(NFTA_SET_FIELD)],
})

export const NFTA_SET = attributes({
  NFTA_SET_TABLE: [1, 'string'],
  NFTA_SET_NAME: [2, 'string'],
  NFTA_SET_FLAGS: [3, 'be32'],
  NFTA_SET_KEY_TYPE: [4, 'be32'],
  NFTA_SET_KEY_LEN: [5, 'be32'],
  NFTA_SET_DATA_TYPE: [6, 'be32'],
  NFTA_SET_DATA_LEN: [7, 'be32'],
  NFTA_SET_DESC: [9, nested(NFTA_SET_DESC)],
  NFTA_SET_ID: [10, 'be32'],
  /** Milliseconds. */
  NFTA_SET_TIMEOUT: [11, 'be64'],
  NFTA_SET_USERDATA: [13, 'binary'],
  NFTA_SET_HANDLE: [16, 'be64'],
  NFTA_SET_COUNT: [20, 'be32'],
})

export const NFTA_VERDICT = attributes({
  /** Signed: NF_DROP 0, NF_ACCEPT 1, or one of `enum nft_verdicts`. */
  NFTA_VERDICT_CODE: [1, 'be32'],
  NFTA_VERDICT_CHAIN: [2, 'string'],
})

export const NFTA_DATA = attributes({
  NFTA_DATA_VALUE: [1, 'binary'],
  NFTA_DATA_VERDICT: [2, nested(NFTA_VERDICT)],
})

export const NFTA_SET_ELEM = attributes({
  NFTA_SET_ELEM_KEY: [1, nested(NFTA_DATA)],
  NFTA_SET_ELEM_DATA: [2, nested(NFTA_DATA)],
  NFTA_SET_ELEM_FLAGS: [3, 'be32'],
  /** Milliseconds, both. */
  NFTA_SET_ELEM_TIMEOUT: [4, 'be64'],
  NFTA_SET_ELEM_EXPIRATION: [5, 'be64'],
  NFTA_SET_ELEM_USERDATA: [6, 'binary'],
  NFTA_SET_ELEM_KEY_END: [10, nested(NFTA_DATA)],
})

/** To write: the elements are encoded already. */
export const NFTA_SET_ELEM_LIST = attributes({
  NFTA_SET_ELEM_LIST_TABLE: [1, 'string'],
  NFTA_SET_ELEM_LIST_SET: [2, 'string'],
  NFTA_SET_ELEM_LIST_ELEMENTS: [3, 'nestedBytes'],
  NFTA_SET_ELEM_LIST_SET_ID: [4, 'be32'],
})

/** To read. */
export const NFTA_SET_ELEM_DUMP = attributes({
  NFTA_SET_ELEM_LIST_ELEMENTS: [3, list(NFTA_SET_ELEM)],
})

export const NFTA_OBJ = attributes({
  NFTA_OBJ_TABLE: [1, 'string'],
  NFTA_OBJ_NAME: [2, 'string'],
  NFTA_OBJ_TYPE: [3, 'be32'],
  NFTA_OBJ_DATA: [4, 'nestedBytes'],
})

export const NFTA_COUNTER = attributes({
  NFTA_COUNTER_BYTES: [1, 'be64'],
  NFTA_COUNTER_PACKETS: [2, 'be64'],
})

export const NFTA_GEN = attributes({
  NFTA_GEN_ID: [1, 'be32'],
  NFTA_GEN_PROC_PID: [2, 'be32'],
  NFTA_GEN_PROC_NAME: [3, 'string'],
})

export const NFT_OBJECT_COUNTER = 1

/** enum nft_table_flags; `persist` since Linux 6.9. */
export const NFT_TABLE_FLAG = { dormant: 1, owner: 2, persist: 4 } as const

/** enum nf_inet_hooks. */
export const NFT_HOOK = { prerouting: 0, input: 1, forward: 2, output: 3, postrouting: 4 } as const

/** NF_DROP and NF_ACCEPT. */
export const NFT_POLICY = { drop: 0, accept: 1 } as const

/** enum nft_set_flags. */
export const NFT_SET_FLAG = {
  anonymous: 0x1,
  constant: 0x2,
  interval: 0x4,
  map: 0x8,
  timeout: 0x10,
  dynamic: 0x20,
  concat: 0x80,
} as const

/** enum nft_set_elem_flags. */
export const NFT_SET_ELEM_INTERVAL_END = 1
export const NFT_SET_ELEM_CATCHALL = 2

/** The entry of a table, for loops that write without `encode`. */
export function attributeOf<S extends AttributeSpec>(
  { byName }: AttributeTable<S>,
  name: Extract<keyof S, string>,
): Attribute {
  const attribute = byName.get(name)
  if (attribute) return attribute
  throw new Error(`${name} is not in its table.`)
}
