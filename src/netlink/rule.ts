import type { Cidr, Family } from '../policy/address.ts'
import { addressFamily, addressFromBytes, addressToBytes } from './address-bytes.ts'
import { attributes } from './attributes.ts'
import { AF_INET, AF_INET6, NLM_F_CREATE, NLM_F_EXCL } from './constants.ts'
import { fib_rule_hdr } from './headers.ts'
import { makeRequest, readReply } from './message.ts'
import type { Reply, Request } from './message.ts'
import { MESSAGE_TYPES } from './message-types.ts'
import type { NetlinkSocket } from './socket.ts'
import { encodeStruct } from './struct.ts'

/** Which routing table the packets from a block are looked up in, before those of rules with a higher priority. */
export interface Rule {
  readonly source: Pick<Cidr, 'first' | 'prefix'>
  readonly table: number
  /** Rules are asked in ascending order; that of the main table is 32766. */
  readonly priority: number
  /** Who made it: one of rt_protos or a number of one's own. */
  readonly protocol: number
}

/** `ip rule add from … lookup …`. EEXIST when there is one just so. */
export function addRule(rule: Rule): Request {
  return ruleRequest(MESSAGE_TYPES.RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, rule)
}

/** `ip rule delete`. ENOENT when there is none. */
export function deleteRule(rule: Rule): Request {
  return ruleRequest(MESSAGE_TYPES.RTM_DELRULE, 0, rule)
}

/** The rules of one maker that go by a source. */
export function listRules(socket: NetlinkSocket, family: Family, protocol: number): Rule[] {
  const header = encodeStruct(fib_rule_hdr, { family: family === 4 ? AF_INET : AF_INET6 })
  return socket
    .dump(makeRequest(MESSAGE_TYPES.RTM_GETRULE, 0, header, FRA, {}), readRule)
    .filter((rule) => rule?.protocol === protocol)
    .filter((rule) => rule !== undefined)
}

/** linux/fib_rules.h */
const FRA = attributes({
  FRA_SRC: [2, 'binary'],
  FRA_PRIORITY: [6, 'u32'],
  FRA_TABLE: [15, 'u32'],
  FRA_PROTOCOL: [21, 'u8'],
})
const FR_ACT_TO_TBL = 1

function readRule(reply: Reply): Rule | undefined {
  const { header, attributes: values } = readReply(reply, fib_rule_hdr, FRA)
  if (values.FRA_SRC === undefined) return undefined
  return {
    source: { first: addressFromBytes(values.FRA_SRC, 'FRA_SRC'), prefix: header.src_len },
    table: values.FRA_TABLE ?? header.table,
    priority: values.FRA_PRIORITY ?? 0,
    protocol: values.FRA_PROTOCOL ?? 0,
  }
}

function ruleRequest(type: number, flags: number, rule: Rule): Request {
  const { source, table, priority, protocol } = rule
  const header = encodeStruct(fib_rule_hdr, {
    family: addressFamily(source.first),
    src_len: source.prefix,
    table: table > 255 ? 0 : table,
    action: type === MESSAGE_TYPES.RTM_NEWRULE ? FR_ACT_TO_TBL : 0,
  })
  return makeRequest(type, flags, header, FRA, {
    FRA_SRC: addressToBytes(source.first),
    FRA_TABLE: table,
    FRA_PRIORITY: priority,
    FRA_PROTOCOL: protocol,
  })
}
