import { attributes } from '../netlink/attributes.ts'
import { decode } from '../netlink/decode.ts'
import { nfgenmsg } from '../netlink/headers.ts'
import type { Reply } from '../netlink/message.ts'
import { MESSAGE_TYPES } from '../netlink/message-types.ts'
import { decodeStruct } from '../netlink/struct.ts'
import { NFPROTO } from './family.ts'
import type { Family } from './family.ts'
import { keysOf } from './keys-of.ts'

/** The multicast group in which the kernel tells of every change to nftables (linux/netfilter/nfnetlink.h). */
export const NFNLGRP_NFTABLES = 7

/** One change that somebody, perhaps ourselves, has made. */
export interface Notification {
  readonly change: 'new' | 'delete'
  readonly object: 'table' | 'chain' | 'rule' | 'set' | 'element' | 'counter'
  /** undefined: one that we never use. */
  readonly family: Family | undefined
  readonly table: string
  /** Of the object; of its chain or set, where it has no name itself. */
  readonly name: string
  /** The socket that made the change. */
  readonly portId: number
}

/**
 * What a message of the group tells; undefined for those that name no object, such as the end of a
 * transaction.
 *
 * @throws {NetlinkDecodeError} when the message is damaged.
 */
export function readNotification(reply: Reply): Notification | undefined {
  const subject = SUBJECTS.get(reply.type)
  if (subject === undefined) return undefined
  const { nfgen_family } = decodeStruct(nfgenmsg, reply.payload)
  const { table = '', name = table } = decode(subject.names, reply.payload.subarray(nfgenmsg.bytes))
  return {
    change: subject.change,
    object: subject.object,
    family: keysOf(NFPROTO).find((family) => NFPROTO[family] === nfgen_family),
    table,
    name,
    portId: reply.portId,
  }
}

/** The table is named by attribute 1 everywhere, what is in it by the one of this number. */
function names(number: number) {
  return attributes({ table: [1, 'string'], name: [number, 'string'] })
}

/** Attribute 0 is never sent: a table has no second name. */
const TABLE = names(0)
const NAMED = names(2)
/** NFTA_CHAIN_NAME is 3. */
const CHAIN = names(3)

const {
  NFT_MSG_NEWTABLE,
  NFT_MSG_DELTABLE,
  NFT_MSG_NEWCHAIN,
  NFT_MSG_DELCHAIN,
  NFT_MSG_NEWRULE,
  NFT_MSG_DELRULE,
  NFT_MSG_NEWSET,
  NFT_MSG_DELSET,
  NFT_MSG_NEWSETELEM,
  NFT_MSG_DELSETELEM,
  NFT_MSG_NEWOBJ,
  NFT_MSG_DELOBJ,
} = MESSAGE_TYPES

interface Subject extends Pick<Notification, 'change' | 'object'> {
  readonly names: ReturnType<typeof names>
}

const SUBJECTS: ReadonlyMap<number, Subject> = new Map<number, Subject>([
  [NFT_MSG_NEWTABLE, { change: 'new', object: 'table', names: TABLE }],
  [NFT_MSG_DELTABLE, { change: 'delete', object: 'table', names: TABLE }],
  [NFT_MSG_NEWCHAIN, { change: 'new', object: 'chain', names: CHAIN }],
  [NFT_MSG_DELCHAIN, { change: 'delete', object: 'chain', names: CHAIN }],
  [NFT_MSG_NEWRULE, { change: 'new', object: 'rule', names: NAMED }],
  [NFT_MSG_DELRULE, { change: 'delete', object: 'rule', names: NAMED }],
  [NFT_MSG_NEWSET, { change: 'new', object: 'set', names: NAMED }],
  [NFT_MSG_DELSET, { change: 'delete', object: 'set', names: NAMED }],
  [NFT_MSG_NEWSETELEM, { change: 'new', object: 'element', names: NAMED }],
  [NFT_MSG_DELSETELEM, { change: 'delete', object: 'element', names: NAMED }],
  [NFT_MSG_NEWOBJ, { change: 'new', object: 'counter', names: NAMED }],
  [NFT_MSG_DELOBJ, { change: 'delete', object: 'counter', names: NAMED }],
])
