import { describe, expect, test } from 'vitest'
import { decode } from '../../src/netlink/decode.ts'
import { NLM_F_APPEND, NLM_F_CREATE, NLM_F_EXCL } from '../../src/netlink/constants.ts'
import { MESSAGE_TYPES } from '../../src/netlink/message-types.ts'
import {
  NFTA_CHAIN,
  NFTA_OBJ,
  NFTA_RULE,
  NFTA_SET,
  NFTA_SET_ELEM_LIST,
  NFTA_TABLE,
} from '../../src/nftables/attributes.ts'
import { compileTransaction } from '../../src/nftables/compile-transaction.ts'
import { map, set } from '../../src/nftables/set.ts'
import { accept, oneOf } from '../../src/nftables/statements.ts'
import type { Operation } from '../../src/nftables/transaction.ts'
import { Transaction } from '../../src/nftables/transaction.ts'

const pods = set('in_pods4', ['ipv4_addr'])
const classes = map('pod_class4', ['ipv4_addr'], ['classid'])
const begin = () => new Transaction({ family: 'inet', table: 't' })

describe('every operation is one message, with flags that say what an existing object means', () => {
  const operations: Readonly<
    Record<Operation['kind'], readonly (readonly [Transaction, type: number, flags: number])[]>
  > = {
    addTable: [
      [begin().addTable(), MESSAGE_TYPES.NFT_MSG_NEWTABLE, NLM_F_CREATE],
      [begin().createTable(), MESSAGE_TYPES.NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_EXCL],
    ],
    deleteTable: [[begin().deleteTable(), MESSAGE_TYPES.NFT_MSG_DELTABLE, 0]],
    addChain: [
      [begin().addChain('c'), MESSAGE_TYPES.NFT_MSG_NEWCHAIN, NLM_F_CREATE],
      [begin().createChain('c'), MESSAGE_TYPES.NFT_MSG_NEWCHAIN, NLM_F_CREATE | NLM_F_EXCL],
    ],
    deleteChain: [[begin().deleteChain('c'), MESSAGE_TYPES.NFT_MSG_DELCHAIN, 0]],
    flushChain: [[begin().flushChain('c'), MESSAGE_TYPES.NFT_MSG_DELRULE, 0]],
    addRule: [
      [begin().addRule('c', [accept]), MESSAGE_TYPES.NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND],
    ],
    deleteRule: [[begin().deleteRule('c', 7n), MESSAGE_TYPES.NFT_MSG_DELRULE, 0]],
    addSet: [
      [begin().addSet(pods), MESSAGE_TYPES.NFT_MSG_NEWSET, NLM_F_CREATE],
      [begin().createSet(pods), MESSAGE_TYPES.NFT_MSG_NEWSET, NLM_F_CREATE | NLM_F_EXCL],
    ],
    deleteSet: [[begin().deleteSet('s'), MESSAGE_TYPES.NFT_MSG_DELSET, 0]],
    flushSet: [[begin().flushSet(pods), MESSAGE_TYPES.NFT_MSG_DELSETELEM, 0]],
    addCounter: [[begin().addCounter('n'), MESSAGE_TYPES.NFT_MSG_NEWOBJ, NLM_F_CREATE]],
    deleteCounter: [[begin().deleteCounter('n'), MESSAGE_TYPES.NFT_MSG_DELOBJ, 0]],
    addElements: [
      [begin().addElements(pods, [{ key: 1 }]), MESSAGE_TYPES.NFT_MSG_NEWSETELEM, NLM_F_CREATE],
      [
        begin().createElements(pods, [{ key: 1 }]),
        MESSAGE_TYPES.NFT_MSG_NEWSETELEM,
        NLM_F_CREATE | NLM_F_EXCL,
      ],
    ],
    deleteElements: [
      [begin().deleteElements(pods, [{ key: 1 }]), MESSAGE_TYPES.NFT_MSG_DELSETELEM, 0],
    ],
  }
  for (const [kind, cases] of Object.entries(operations)) {
    test(kind, () => {
      for (const [transaction, type, flags] of cases) {
        expect(compileTransaction(transaction)).toEqual([
          expect.objectContaining({ type, flags, operation: expect.objectContaining({ kind }) }),
        ])
      }
    })
  }
})

test('to replace is to delete and then create', () => {
  const messages = compileTransaction(begin().replaceElements(classes, [{ key: 1, data: 16 }]))
  expect(messages.map(({ type, flags }) => [type, flags])).toEqual([
    [MESSAGE_TYPES.NFT_MSG_DELSETELEM, 0],
    [MESSAGE_TYPES.NFT_MSG_NEWSETELEM, NLM_F_CREATE | NLM_F_EXCL],
  ])
})

test('a table carries its comment and flags', () => {
  const [message] = compileTransaction(
    begin().addTable({ comment: 'v1', flags: ['owner', 'persist'] }),
  )
  expect(decode(NFTA_TABLE, bytes(message))).toEqual({
    NFTA_TABLE_NAME: 't',
    NFTA_TABLE_FLAGS: 6,
    NFTA_TABLE_USERDATA: Uint8Array.of(0, 3, 0x76, 0x31, 0),
  })
})

test('a base chain may come before the raw table: its priority is signed', () => {
  const [message] = compileTransaction(
    begin().addChain('c', { type: 'filter', hook: 'prerouting', priority: -305, policy: 'drop' }),
  )
  expect(decode(NFTA_CHAIN, bytes(message))).toEqual({
    NFTA_CHAIN_TABLE: 't',
    NFTA_CHAIN_NAME: 'c',
    NFTA_CHAIN_TYPE: 'filter',
    NFTA_CHAIN_HOOK: { NFTA_HOOK_HOOKNUM: 0, NFTA_HOOK_PRIORITY: 2 ** 32 - 305 },
    NFTA_CHAIN_POLICY: 0,
  })
})

describe('sets', () => {
  test('each has an id of its own, anonymous ones too', () => {
    const messages = compileTransaction(
      begin()
        .addSet(pods)
        .addRule('c', [oneOf('th dport', [80, 443]), accept])
        .addSet(classes),
    )
    expect(messages.map(({ type }) => type)).toEqual([
      MESSAGE_TYPES.NFT_MSG_NEWSET,
      MESSAGE_TYPES.NFT_MSG_NEWSET,
      MESSAGE_TYPES.NFT_MSG_NEWSETELEM,
      MESSAGE_TYPES.NFT_MSG_NEWRULE,
      MESSAGE_TYPES.NFT_MSG_NEWSET,
    ])
    const ids = messages
      .filter(({ type }) => type === MESSAGE_TYPES.NFT_MSG_NEWSET)
      .map(({ attributes }) => decode(NFTA_SET, attributes).NFTA_SET_ID)
    expect(ids).toEqual([1, 2, 3])
    const elements = decode(NFTA_SET_ELEM_LIST, bytes(messages[2]))
    expect(elements).toMatchObject({
      NFTA_SET_ELEM_LIST_SET_ID: 2,
      NFTA_SET_ELEM_LIST_SET: '__set%d',
    })
    expect(decode(NFTA_RULE, bytes(messages[3])).NFTA_RULE_EXPRESSIONS).toHaveLength(3)
  })

  test('a plain map has hints of byte order and nothing else: nft 1.0.6 crashes on more', () => {
    const [message] = compileTransaction(begin().addSet(classes))
    expect(decode(NFTA_SET, bytes(message))).toEqual({
      NFTA_SET_TABLE: 't',
      NFTA_SET_NAME: 'pod_class4',
      NFTA_SET_FLAGS: 8,
      NFTA_SET_KEY_TYPE: 7,
      NFTA_SET_KEY_LEN: 4,
      NFTA_SET_DATA_TYPE: 23,
      NFTA_SET_DATA_LEN: 4,
      NFTA_SET_ID: 1,
      NFTA_SET_USERDATA: Uint8Array.of(0, 4, 2, 0, 0, 0, 1, 4, 1, 0, 0, 0),
    })
  })

  test('ranges of a concatenation name the length of each field', () => {
    const ranges = set('r', ['classid', 'inet_proto', 'inet_service'], { flags: ['interval'] })
    const [message] = compileTransaction(begin().addSet(ranges))
    expect(decode(NFTA_SET, bytes(message))).toMatchObject({
      NFTA_SET_FLAGS: 0x84,
      NFTA_SET_KEY_TYPE: (23 << 12) | (12 << 6) | 13,
      NFTA_SET_KEY_LEN: 12,
      NFTA_SET_DESC: {
        NFTA_SET_DESC_CONCAT: [4, 1, 2].map((length) => ({ NFTA_SET_FIELD_LEN: length })),
      },
    })
  })

  test('a set that packets fill has a size and a timeout', () => {
    const rate = set('rate', ['ipv4_addr'], {
      size: 4096,
      flags: ['dynamic', 'timeout'],
      timeoutMs: 10_000,
    })
    const [message] = compileTransaction(begin().addSet(rate))
    expect(decode(NFTA_SET, bytes(message))).toMatchObject({
      NFTA_SET_FLAGS: 0x30,
      NFTA_SET_DESC: { NFTA_SET_DESC_SIZE: 4096 },
      NFTA_SET_TIMEOUT: 10_000n,
    })
  })
})

test('a counter begins at nothing', () => {
  const [message] = compileTransaction(begin().addCounter('denied'))
  expect(decode(NFTA_OBJ, bytes(message))).toEqual({
    NFTA_OBJ_TABLE: 't',
    NFTA_OBJ_NAME: 'denied',
    NFTA_OBJ_TYPE: 1,
    NFTA_OBJ_DATA: new Uint8Array(),
  })
})

test('no elements, no message', () => {
  expect(compileTransaction(begin().addElements(pods, []).deleteElements(pods, []))).toEqual([])
})

function bytes(message: { readonly attributes: Uint8Array } | undefined): Uint8Array {
  return message?.attributes ?? new Uint8Array()
}
