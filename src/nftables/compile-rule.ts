import { NFT_OBJECT_COUNTER } from './attributes.ts'
import {
  compileAnyFlag,
  compileCompare,
  compileLookup,
  isInterval,
  loadKey,
  require,
} from './compile-match.ts'
import type { RuleContext } from './compile-match.ts'
import { writeValue } from './datatypes.ts'
import { expression, expressions } from './expressions.ts'
import type { Expression } from './expressions.ts'
import { NFPROTO } from './family.ts'
import { compare, dataLookup, immediate, verdict } from './instructions.ts'
import { FIRST_REGISTER, registerAt } from './registers.ts'
import { selectors } from './selectors.ts'
import { layoutOf } from './set-layout.ts'
import type {
  Counter,
  Dnat,
  Limit,
  Log,
  MapLookup,
  OneIn,
  Reject,
  RejectReason,
  SetMeta,
  Statement,
  Update,
  Verdict,
} from './statements.ts'

/**
 * The kernel's instructions for one rule, the same that nft emits for the same words.
 *
 * @throws {NftablesError} when a value is not one of its type.
 */
export function compileRule(context: RuleContext, statements: readonly Statement[]): Expression[] {
  return statements.flatMap((statement) => compile(context, statement))
}

function compile(context: RuleContext, statement: Statement): Expression[] {
  switch (statement.kind) {
    case 'compare':
      return compileCompare(context, statement)
    case 'anyFlag':
      return compileAnyFlag(context, statement)
    case 'lookup':
      return compileLookup(context, statement)
    case 'setMeta':
      return compileSetMeta(context, statement)
    case 'verdict':
      return [compileVerdict(statement)]
    case 'counter':
      return [compileCounter(statement)]
    case 'log':
      return [compileLog(statement)]
    case 'limit':
      return [compileLimit(statement)]
    case 'oneIn':
      return compileOneIn(statement)
    case 'reject':
      return compileReject(context, statement)
    case 'update':
      return compileUpdate(context, statement)
    case 'dnat':
      return compileDnat(context, statement)
    case 'masquerade':
      return [expression('masq', expressions.masq, {})]
  }
}

function compileSetMeta(context: RuleContext, { target, value }: SetMeta): Expression[] {
  const { load, type } = selectors[target]
  const store = expression('meta', expressions.meta, {
    NFTA_META_KEY: load.key,
    NFTA_META_SREG: FIRST_REGISTER,
  })
  if (typeof value === 'object') return [...compileMapLookup(context, value), store]
  const data = new Uint8Array(4)
  writeValue(data, 0, type, value)
  return [immediate(data), store]
}

function compileMapLookup(context: RuleContext, { key, map }: MapLookup): Expression[] {
  return [...loadKey(context, key, isInterval(map)), dataLookup(map.name)]
}

function compileVerdict({ verdict: to }: Verdict): Expression {
  if (typeof to === 'string') return verdict(to)
  return 'jump' in to ? verdict('jump', to.jump) : verdict('goto', to.goto)
}

function compileCounter({ name }: Counter): Expression {
  if (name === undefined) return expression('counter', expressions.counter, {})
  return expression('objref', expressions.objref, {
    NFTA_OBJREF_IMM_TYPE: NFT_OBJECT_COUNTER,
    NFTA_OBJREF_IMM_NAME: name,
  })
}

function compileLog({ group, prefix, snaplen, queueThreshold }: Log): Expression {
  return expression('log', expressions.log, {
    NFTA_LOG_PREFIX: prefix,
    NFTA_LOG_GROUP: group,
    NFTA_LOG_SNAPLEN: snaplen,
    NFTA_LOG_QTHRESHOLD: queueThreshold,
  })
}

function compileLimit({ rate, per, burst }: Limit): Expression {
  return expression('limit', expressions.limit, {
    NFTA_LIMIT_RATE: BigInt(rate),
    NFTA_LIMIT_UNIT: SECONDS[per],
    NFTA_LIMIT_BURST: burst,
    NFTA_LIMIT_TYPE: LIMIT_PACKETS,
    NFTA_LIMIT_FLAGS: 0,
  })
}

function compileOneIn({ packets }: OneIn): Expression[] {
  return [
    expression('numgen', expressions.numgen, {
      NFTA_NG_DREG: FIRST_REGISTER,
      NFTA_NG_MODULUS: packets,
      NFTA_NG_TYPE: NG_INCREMENTAL,
      NFTA_NG_OFFSET: 0,
    }),
    compare('==', new Uint8Array(4)),
  ]
}

function compileReject(context: RuleContext, { with: reason }: Reject): Expression[] {
  if (reason === 'tcp reset') {
    const reset = { NFTA_REJECT_TYPE: REJECT_TCP_RST, NFTA_REJECT_ICMP_CODE: 0 }
    return [...require(context, 'tcp'), expression('reject', expressions.reject, reset)]
  }
  const answer = { NFTA_REJECT_TYPE: REJECT_ICMPX, NFTA_REJECT_ICMP_CODE: ICMPX_CODE[reason] }
  return [expression('reject', expressions.reject, answer)]
}

function compileUpdate(context: RuleContext, statement: Update): Expression[] {
  const { set, key, statement: inner, timeoutMs } = statement
  return [
    ...loadKey(context, key, isInterval(set)),
    expression('dynset', expressions.dynset, {
      NFTA_DYNSET_OP: DYNSET_UPDATE,
      NFTA_DYNSET_SREG_KEY: FIRST_REGISTER,
      NFTA_DYNSET_SET_NAME: set.name,
      NFTA_DYNSET_TIMEOUT: timeoutMs === undefined ? undefined : BigInt(timeoutMs),
      NFTA_DYNSET_EXPR:
        inner && (inner.kind === 'limit' ? compileLimit(inner) : compileCounter(inner)),
    }),
  ]
}

function compileDnat(context: RuleContext, { family, to }: Dnat): Expression[] {
  const { fields } = layoutOf(to.map.data, false)
  const port = fields[1]
  return [
    ...compileMapLookup(context, to),
    expression('nat', expressions.nat, {
      NFTA_NAT_TYPE: NAT_DNAT,
      NFTA_NAT_FAMILY: NFPROTO[family],
      NFTA_NAT_REG_ADDR_MIN: FIRST_REGISTER,
      NFTA_NAT_REG_PROTO_MIN: port && registerAt(port.at),
    }),
  ]
}

const SECONDS = { second: 1n, minute: 60n, hour: 3600n } as const
const LIMIT_PACKETS = 0

/** enum nft_ng_types. */
const NG_INCREMENTAL = 0

/** enum nft_reject_types. */
const REJECT_TCP_RST = 1
const REJECT_ICMPX = 2

/** enum nft_reject_inet_code. */
const ICMPX_CODE: Readonly<Record<Exclude<RejectReason, 'tcp reset'>, number>> = {
  'no-route': 0,
  'port-unreachable': 1,
  'host-unreachable': 2,
  'admin-prohibited': 3,
}

/** enum nft_dynset_ops. */
const DYNSET_UPDATE = 1

/** enum nft_nat_types. */
const NAT_DNAT = 1
