import type { AttributeSpec, AttributeTable, AttributeValues } from '../netlink/attributes.ts'
import { NLM_F_APPEND, NLM_F_CREATE, NLM_F_EXCL } from '../netlink/constants.ts'
import { makeRequest } from '../netlink/message.ts'
import type { Request } from '../netlink/message.ts'
import { MESSAGE_TYPES } from '../netlink/message-types.ts'
import {
  NFT_HOOK,
  NFT_OBJECT_COUNTER,
  NFT_POLICY,
  NFT_TABLE_FLAG,
  NFTA_CHAIN,
  NFTA_OBJ,
  NFTA_RULE,
  NFTA_SET,
  NFTA_SET_ELEM_LIST,
  NFTA_TABLE,
} from './attributes.ts'
import { factsOf } from './compile-match.ts'
import { compileRule } from './compile-rule.ts'
import { compileSet } from './compile-set.ts'
import { familyHeader } from './family.ts'
import type { SetReference } from './instructions.ts'
import type { AnyElement, SetNode } from './set.ts'
import type { BaseChain, Operation, TableReference, Transaction } from './transaction.ts'
import { commentUserdata } from './userdata.ts'
import { writeElements } from './write-elements.ts'

/** One message of a batch, and what it is part of. */
export interface OperationRequest extends Request {
  readonly operation: Operation
}

/**
 * The messages of a transaction, byte for byte; an operation may take several.
 *
 * @throws {NftablesError} when a value is not one of its type.
 */
export function compileTransaction({ table, operations }: Transaction): OperationRequest[] {
  const batch: Batch = { table, header: familyHeader(table.family), messages: [], sets: 0 }
  for (const operation of operations) compile(batch, operation)
  return batch.messages
}

interface Batch {
  readonly table: TableReference
  /** Names the family in every message. */
  readonly header: Uint8Array
  readonly messages: OperationRequest[]
  /** How many sets it declares: each needs an id of its own. */
  sets: number
}

type Of<K extends Operation['kind']> = Extract<Operation, { kind: K }>

function compile(batch: Batch, operation: Operation): void {
  switch (operation.kind) {
    case 'addTable':
    case 'deleteTable':
      return compileTable(batch, operation)
    case 'addChain':
    case 'deleteChain':
      return compileChain(batch, operation)
    case 'addRule':
      return compileAddRule(batch, operation)
    case 'flushChain':
    case 'deleteRule':
      return compileDeleteRule(batch, operation)
    case 'addSet':
    case 'deleteSet':
      return compileSetOperation(batch, operation)
    case 'addCounter':
    case 'deleteCounter':
      return compileCounter(batch, operation)
    case 'addElements':
    case 'deleteElements':
    case 'flushSet':
      return compileElements(batch, operation)
  }
}

function compileTable(batch: Batch, operation: Of<'addTable' | 'deleteTable'>): void {
  const name = { NFTA_TABLE_NAME: batch.table.table }
  if (operation.kind === 'deleteTable') {
    return push(batch, operation, MESSAGE_TYPES.NFT_MSG_DELTABLE, 0, NFTA_TABLE, name)
  }
  const { comment, flags = [] } = operation.options
  push(
    batch,
    operation,
    MESSAGE_TYPES.NFT_MSG_NEWTABLE,
    createFlags(operation.exclusive),
    NFTA_TABLE,
    {
      ...name,
      NFTA_TABLE_FLAGS: flags.reduce((bits, flag) => bits | NFT_TABLE_FLAG[flag], 0),
      NFTA_TABLE_USERDATA: comment === undefined ? undefined : commentUserdata(comment),
    },
  )
}

function compileChain(batch: Batch, operation: Of<'addChain' | 'deleteChain'>): void {
  const chain = { NFTA_CHAIN_TABLE: batch.table.table, NFTA_CHAIN_NAME: operation.chain }
  if (operation.kind === 'deleteChain') {
    return push(batch, operation, MESSAGE_TYPES.NFT_MSG_DELCHAIN, 0, NFTA_CHAIN, chain)
  }
  const flags = createFlags(operation.exclusive)
  const base = operation.base && baseChain(operation.base)
  push(batch, operation, MESSAGE_TYPES.NFT_MSG_NEWCHAIN, flags, NFTA_CHAIN, { ...chain, ...base })
}

function baseChain({
  type,
  hook,
  priority,
  policy,
}: BaseChain): AttributeValues<typeof NFTA_CHAIN.spec> {
  return {
    NFTA_CHAIN_TYPE: type,
    NFTA_CHAIN_HOOK: { NFTA_HOOK_HOOKNUM: NFT_HOOK[hook], NFTA_HOOK_PRIORITY: priority >>> 0 },
    NFTA_CHAIN_POLICY: policy && NFT_POLICY[policy],
  }
}

function compileAddRule(batch: Batch, operation: Of<'addRule'>): void {
  const { chain, statements, comment } = operation
  const expressions = compileRule(
    {
      family: batch.table.family,
      facts: factsOf(batch.table.family),
      addAnonymousSet: (set, elements) => addAnonymousSet(batch, operation, set, elements),
    },
    statements,
  )
  push(batch, operation, MESSAGE_TYPES.NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND, NFTA_RULE, {
    NFTA_RULE_TABLE: batch.table.table,
    NFTA_RULE_CHAIN: chain,
    NFTA_RULE_EXPRESSIONS: expressions,
    NFTA_RULE_USERDATA: comment === undefined ? undefined : commentUserdata(comment),
  })
}

/** Without a handle, all rules of the chain. */
function compileDeleteRule(batch: Batch, operation: Of<'flushChain' | 'deleteRule'>): void {
  push(batch, operation, MESSAGE_TYPES.NFT_MSG_DELRULE, 0, NFTA_RULE, {
    NFTA_RULE_TABLE: batch.table.table,
    NFTA_RULE_CHAIN: operation.chain,
    NFTA_RULE_HANDLE: operation.kind === 'deleteRule' ? operation.handle : undefined,
  })
}

function compileSetOperation(batch: Batch, operation: Of<'addSet' | 'deleteSet'>): void {
  const { table } = batch.table
  if (operation.kind === 'deleteSet') {
    const set = { NFTA_SET_TABLE: table, NFTA_SET_NAME: operation.set }
    return push(batch, operation, MESSAGE_TYPES.NFT_MSG_DELSET, 0, NFTA_SET, set)
  }
  const set = compileSet(table, operation.set, ++batch.sets, false)
  push(
    batch,
    operation,
    MESSAGE_TYPES.NFT_MSG_NEWSET,
    createFlags(operation.exclusive),
    NFTA_SET,
    set,
  )
}

function compileCounter(batch: Batch, operation: Of<'addCounter' | 'deleteCounter'>): void {
  const isAdd = operation.kind === 'addCounter'
  const type = isAdd ? MESSAGE_TYPES.NFT_MSG_NEWOBJ : MESSAGE_TYPES.NFT_MSG_DELOBJ
  push(batch, operation, type, isAdd ? NLM_F_CREATE : 0, NFTA_OBJ, {
    NFTA_OBJ_TABLE: batch.table.table,
    NFTA_OBJ_NAME: operation.counter,
    NFTA_OBJ_TYPE: NFT_OBJECT_COUNTER,
    NFTA_OBJ_DATA: isAdd ? new Uint8Array() : undefined,
  })
}

function compileElements(
  batch: Batch,
  operation: Of<'addElements' | 'deleteElements' | 'flushSet'>,
): void {
  const { set } = operation
  if (operation.kind === 'flushSet') return pushElements(batch, operation, set, undefined)
  const isDelete = operation.kind === 'deleteElements'
  for (const elements of writeElements(set, operation.elements, isDelete)) {
    pushElements(batch, operation, set, elements)
  }
}

/** A constant set that belongs to the rule; the kernel names it. */
function addAnonymousSet(
  batch: Batch,
  operation: Operation,
  set: SetNode,
  elements: readonly AnyElement[],
): SetReference {
  const id = ++batch.sets
  const message = compileSet(batch.table.table, set, id, true)
  push(batch, operation, MESSAGE_TYPES.NFT_MSG_NEWSET, NLM_F_CREATE, NFTA_SET, message)
  for (const chunk of writeElements(set, elements)) {
    pushElements(batch, operation, set, chunk, id)
  }
  return { name: set.name, id }
}

/** No elements: all that the set has. */
function pushElements(
  batch: Batch,
  operation: Operation,
  set: SetNode,
  elements: Uint8Array | undefined,
  id?: number,
): void {
  const isAdd = operation.kind === 'addElements' || operation.kind === 'addRule'
  const type = isAdd ? MESSAGE_TYPES.NFT_MSG_NEWSETELEM : MESSAGE_TYPES.NFT_MSG_DELSETELEM
  const flags = isAdd ? createFlags(operation.kind === 'addElements' && operation.exclusive) : 0
  push(batch, operation, type, flags, NFTA_SET_ELEM_LIST, {
    NFTA_SET_ELEM_LIST_TABLE: batch.table.table,
    NFTA_SET_ELEM_LIST_SET: set.name,
    NFTA_SET_ELEM_LIST_SET_ID: id,
    NFTA_SET_ELEM_LIST_ELEMENTS: elements,
  })
}

function push<S extends AttributeSpec>(
  batch: Batch,
  operation: Operation,
  type: number,
  flags: number,
  table: AttributeTable<S>,
  values: NoInfer<AttributeValues<S>>,
): void {
  const request = makeRequest(type, flags, batch.header, table, values)
  batch.messages.push({ ...request, operation })
}

function createFlags(exclusive: boolean): number {
  return exclusive ? NLM_F_CREATE | NLM_F_EXCL : NLM_F_CREATE
}
