import { expression, expressions } from './expressions.ts'
import type { Expression } from './expressions.ts'
import { FIRST_REGISTER, VERDICT_REGISTER } from './registers.ts'
import type { Load } from './selectors.ts'

/** Single instructions, as nft emits them. Those that name no register work on the first. */

/** `bytes`: how much of a header field, where less than all of it. */
export function load(source: Load, register: number, bytes?: number): Expression {
  switch (source.kind) {
    case 'meta':
      return expression('meta', expressions.meta, {
        NFTA_META_KEY: source.key,
        NFTA_META_DREG: register,
      })
    case 'payload':
      return expression('payload', expressions.payload, {
        NFTA_PAYLOAD_DREG: register,
        NFTA_PAYLOAD_BASE: PAYLOAD_BASE[source.base],
        NFTA_PAYLOAD_OFFSET: source.offset,
        NFTA_PAYLOAD_LEN: bytes ?? source.length,
      })
    case 'ct':
      return expression('ct', expressions.ct, { NFTA_CT_KEY: source.key, NFTA_CT_DREG: register })
    case 'fib':
      return expression('fib', expressions.fib, {
        NFTA_FIB_FLAGS: source.flags,
        NFTA_FIB_RESULT: FIB_RESULT_ADDRTYPE,
        NFTA_FIB_DREG: register,
      })
  }
}

/** The rule goes on where this holds. The kernel compares with memcmp. */
export function compare(operator: keyof typeof COMPARE, data: Uint8Array): Expression {
  return expression('cmp', expressions.cmp, {
    NFTA_CMP_SREG: FIRST_REGISTER,
    NFTA_CMP_OP: COMPARE[operator],
    NFTA_CMP_DATA: { NFTA_DATA_VALUE: data },
  })
}

/** Keeps the bits of `bits`. */
export function mask(bits: Uint8Array): Expression {
  return expression('bitwise', expressions.bitwise, {
    NFTA_BITWISE_SREG: FIRST_REGISTER,
    NFTA_BITWISE_DREG: FIRST_REGISTER,
    NFTA_BITWISE_OP: BITWISE_MASK_XOR,
    NFTA_BITWISE_LEN: bits.length,
    NFTA_BITWISE_MASK: { NFTA_DATA_VALUE: bits },
    NFTA_BITWISE_XOR: { NFTA_DATA_VALUE: new Uint8Array(bits.length) },
  })
}

/** Turns a number of the machine's byte order into one that memcmp orders. */
export function toBigEndian(register: number, bytes: number): Expression {
  return expression('byteorder', expressions.byteorder, {
    NFTA_BYTEORDER_SREG: register,
    NFTA_BYTEORDER_DREG: register,
    NFTA_BYTEORDER_OP: BYTEORDER_HTON,
    NFTA_BYTEORDER_LEN: bytes,
    NFTA_BYTEORDER_SIZE: bytes,
  })
}

export function immediate(data: Uint8Array): Expression {
  return expression('immediate', expressions.immediate, {
    NFTA_IMMEDIATE_DREG: FIRST_REGISTER,
    NFTA_IMMEDIATE_DATA: { NFTA_DATA_VALUE: data },
  })
}

/** `chain`: where to, for jump and goto. */
export function verdict(code: keyof typeof VERDICT, chain?: string): Expression {
  return expression('immediate', expressions.immediate, {
    NFTA_IMMEDIATE_DREG: VERDICT_REGISTER,
    NFTA_IMMEDIATE_DATA: {
      NFTA_DATA_VERDICT: { NFTA_VERDICT_CODE: VERDICT[code] >>> 0, NFTA_VERDICT_CHAIN: chain },
    },
  })
}

/** A set by name, or the anonymous set that has this id in the transaction. */
export type SetReference = { readonly name: string; readonly id?: number }

export function setLookup(set: SetReference, negated: boolean): Expression {
  return expression('lookup', expressions.lookup, {
    NFTA_LOOKUP_SET: set.name,
    NFTA_LOOKUP_SREG: FIRST_REGISTER,
    NFTA_LOOKUP_SET_ID: set.id,
    NFTA_LOOKUP_FLAGS: negated ? LOOKUP_F_INV : undefined,
  })
}

/** Puts what the map has for the key in its place. */
export function dataLookup(map: string): Expression {
  return expression('lookup', expressions.lookup, {
    NFTA_LOOKUP_SET: map,
    NFTA_LOOKUP_SREG: FIRST_REGISTER,
    NFTA_LOOKUP_DREG: FIRST_REGISTER,
  })
}

/** enum nft_payload_bases. */
const PAYLOAD_BASE = { link: 0, network: 1, transport: 2 } as const

/** enum nft_cmp_ops. */
const COMPARE = { '==': 0, '!=': 1, '<': 2, '<=': 3, '>': 4, '>=': 5 } as const

/** NF_DROP, NF_ACCEPT and enum nft_verdicts. */
const VERDICT = { drop: 0, accept: 1, jump: -3, goto: -4, return: -5 } as const

const FIB_RESULT_ADDRTYPE = 3
const BITWISE_MASK_XOR = 0
const BYTEORDER_HTON = 1
const LOOKUP_F_INV = 1
