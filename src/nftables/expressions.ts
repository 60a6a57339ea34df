import { attributes, list, nested } from '../netlink/attributes.ts'
import type { AttributeTable, AttributeValues, AttributeSpec } from '../netlink/attributes.ts'
import { encode } from '../netlink/encode.ts'
import { NFTA_COUNTER, NFTA_DATA, NFTA_EXPR } from './attributes.ts'

/** The instructions of the kernel's rule machine: name → attribute table (linux/netfilter/nf_tables.h). */
export const expressions = {
  meta: attributes({
    NFTA_META_DREG: [1, 'be32'],
    NFTA_META_KEY: [2, 'be32'],
    NFTA_META_SREG: [3, 'be32'],
  }),
  payload: attributes({
    NFTA_PAYLOAD_DREG: [1, 'be32'],
    NFTA_PAYLOAD_BASE: [2, 'be32'],
    NFTA_PAYLOAD_OFFSET: [3, 'be32'],
    NFTA_PAYLOAD_LEN: [4, 'be32'],
  }),
  ct: attributes({
    NFTA_CT_DREG: [1, 'be32'],
    NFTA_CT_KEY: [2, 'be32'],
  }),
  fib: attributes({
    NFTA_FIB_DREG: [1, 'be32'],
    NFTA_FIB_RESULT: [2, 'be32'],
    NFTA_FIB_FLAGS: [3, 'be32'],
  }),
  cmp: attributes({
    NFTA_CMP_SREG: [1, 'be32'],
    NFTA_CMP_OP: [2, 'be32'],
    NFTA_CMP_DATA: [3, nested(NFTA_DATA)],
  }),
  bitwise: attributes({
    NFTA_BITWISE_SREG: [1, 'be32'],
    NFTA_BITWISE_DREG: [2, 'be32'],
    NFTA_BITWISE_LEN: [3, 'be32'],
    NFTA_BITWISE_MASK: [4, nested(NFTA_DATA)],
    NFTA_BITWISE_XOR: [5, nested(NFTA_DATA)],
    NFTA_BITWISE_OP: [6, 'be32'],
  }),
  byteorder: attributes({
    NFTA_BYTEORDER_SREG: [1, 'be32'],
    NFTA_BYTEORDER_DREG: [2, 'be32'],
    NFTA_BYTEORDER_OP: [3, 'be32'],
    NFTA_BYTEORDER_LEN: [4, 'be32'],
    NFTA_BYTEORDER_SIZE: [5, 'be32'],
  }),
  lookup: attributes({
    NFTA_LOOKUP_SET: [1, 'string'],
    NFTA_LOOKUP_SREG: [2, 'be32'],
    NFTA_LOOKUP_DREG: [3, 'be32'],
    NFTA_LOOKUP_SET_ID: [4, 'be32'],
    NFTA_LOOKUP_FLAGS: [5, 'be32'],
  }),
  dynset: attributes({
    NFTA_DYNSET_SET_NAME: [1, 'string'],
    NFTA_DYNSET_OP: [3, 'be32'],
    NFTA_DYNSET_SREG_KEY: [4, 'be32'],
    /** Milliseconds. */
    NFTA_DYNSET_TIMEOUT: [6, 'be64'],
    NFTA_DYNSET_EXPR: [7, nested(NFTA_EXPR)],
    NFTA_DYNSET_EXPRESSIONS: [10, list(NFTA_EXPR)],
  }),
  immediate: attributes({
    NFTA_IMMEDIATE_DREG: [1, 'be32'],
    NFTA_IMMEDIATE_DATA: [2, nested(NFTA_DATA)],
  }),
  counter: NFTA_COUNTER,
  objref: attributes({
    NFTA_OBJREF_IMM_TYPE: [1, 'be32'],
    NFTA_OBJREF_IMM_NAME: [2, 'string'],
  }),
  log: attributes({
    NFTA_LOG_GROUP: [1, 'be16'],
    NFTA_LOG_PREFIX: [2, 'string'],
    NFTA_LOG_SNAPLEN: [3, 'be32'],
    NFTA_LOG_QTHRESHOLD: [4, 'be16'],
  }),
  limit: attributes({
    NFTA_LIMIT_RATE: [1, 'be64'],
    /** Seconds. */
    NFTA_LIMIT_UNIT: [2, 'be64'],
    NFTA_LIMIT_BURST: [3, 'be32'],
    NFTA_LIMIT_TYPE: [4, 'be32'],
    NFTA_LIMIT_FLAGS: [5, 'be32'],
  }),
  reject: attributes({
    NFTA_REJECT_TYPE: [1, 'be32'],
    NFTA_REJECT_ICMP_CODE: [2, 'u8'],
  }),
  nat: attributes({
    NFTA_NAT_TYPE: [1, 'be32'],
    NFTA_NAT_FAMILY: [2, 'be32'],
    NFTA_NAT_REG_ADDR_MIN: [3, 'be32'],
    NFTA_NAT_REG_PROTO_MIN: [5, 'be32'],
    NFTA_NAT_FLAGS: [7, 'be32'],
  }),
  numgen: attributes({
    NFTA_NG_DREG: [1, 'be32'],
    NFTA_NG_MODULUS: [2, 'be32'],
    NFTA_NG_TYPE: [3, 'be32'],
    NFTA_NG_OFFSET: [4, 'be32'],
  }),
  masq: attributes({ NFTA_MASQ_FLAGS: [1, 'be32'] }),
} as const satisfies Record<string, AttributeTable>

export type ExpressionName = keyof typeof expressions

/** One instruction, encoded. */
export type Expression = AttributeValues<typeof NFTA_EXPR.spec>

/** @throws {NetlinkEncodeError} when a value does not fit its attribute. */
export function expression<S extends AttributeSpec>(
  name: ExpressionName,
  table: AttributeTable<S>,
  values: NoInfer<AttributeValues<S>>,
): Expression {
  return { NFTA_EXPR_NAME: name, NFTA_EXPR_DATA: encode(table, values) }
}
