import { describe, expect, test } from 'vitest'
import { NetlinkError } from '../../src/netlink/errors.ts'
import type { Refusal } from '../../src/netlink/errors.ts'
import { describeOperation, refusal } from '../../src/nftables/refusal.ts'
import { map, set } from '../../src/nftables/set.ts'
import { accept } from '../../src/nftables/statements.ts'
import type { Operation } from '../../src/nftables/transaction.ts'
import { Transaction } from '../../src/nftables/transaction.ts'

const table = { family: 'inet', table: 'sluice' } as const
const pods = set('in_pods4', ['ipv4_addr'])
const classes = map('pod_class4', ['ipv4_addr'], ['classid'])
const begin = () => new Transaction(table)

describe('an operation is named by its object', () => {
  const names: Readonly<Record<Operation['kind'], readonly [Transaction, name: string]>> = {
    addTable: [begin().addTable(), 'table inet sluice'],
    deleteTable: [begin().deleteTable(), 'table inet sluice'],
    addChain: [begin().addChain('c'), 'chain c of table inet sluice'],
    deleteChain: [begin().deleteChain('c'), 'chain c of table inet sluice'],
    flushChain: [begin().flushChain('c'), 'chain c of table inet sluice'],
    addRule: [begin().addRule('c', [accept]), 'rule in chain c of table inet sluice'],
    deleteRule: [begin().deleteRule('c', 7n), 'rule 7 in chain c of table inet sluice'],
    addSet: [begin().addSet(classes), 'map pod_class4 of table inet sluice'],
    deleteSet: [begin().deleteSet('s'), 'set s of table inet sluice'],
    flushSet: [begin().flushSet(pods), 'set in_pods4 of table inet sluice'],
    addCounter: [begin().addCounter('n'), 'counter n of table inet sluice'],
    deleteCounter: [begin().deleteCounter('n'), 'counter n of table inet sluice'],
    addElements: [
      begin().addElements(classes, [{ key: 1, data: 16 }]),
      'element in map pod_class4 of table inet sluice',
    ],
    deleteElements: [
      begin().deleteElements(pods, [{ key: 1 }]),
      'element in set in_pods4 of table inet sluice',
    ],
  }
  for (const [kind, [{ operations }, name]] of Object.entries(names)) {
    test(kind, () => {
      expect(operations.map((operation) => describeOperation(table, operation))).toEqual([name])
    })
  }

  test('a rule with a comment by that too', () => {
    const [operation] = begin().addRule('c', [accept], 'why').operations
    expect(operation && describeOperation(table, operation)).toBe(
      'rule "why" in chain c of table inet sluice',
    )
  })
})

describe('a refusal says what, why and what to do', () => {
  const add: Operation = { kind: 'addElements', set: pods, elements: [], exclusive: false }
  const remove: Operation = { kind: 'deleteElements', set: pods, elements: [] }
  const flush: Operation = { kind: 'flushChain', chain: 'c' }
  const chain: Operation = { kind: 'addChain', chain: 'c', exclusive: true }
  const cases: readonly [Operation, code: string, sentence: RegExp][] = [
    [
      add,
      'EEXIST',
      /^The kernel refused to add element in set in_pods4 of table inet sluice: EEXIST\. The key, or an interval that overlaps, is there already: delete it first, in the same transaction\.$/,
    ],
    [
      chain,
      'EEXIST',
      /refused to add chain c .* is there already, or is there with another content: delete/,
    ],
    [remove, 'ENOENT', /refused to delete element .* does not exist: add that first\.$/],
    [flush, 'ENOENT', /refused to flush chain c /],
    [add, 'EPERM', /Run as root, and as the one owner of the table/],
    [remove, 'EBUSY', /Something still refers to it/],
    [add, 'EOPNOTSUPP', /This kernel cannot do it/],
    [add, 'EINVAL', /: EINVAL\.$/],
  ]
  test.each(cases)('%o %s', (operation, code, sentence) => {
    const answer = netlinkError({ code })
    const error = refusal(table, operation, answer)
    expect(error.message).toMatch(sentence)
    expect(error).toMatchObject({ code: 'NFT_REFUSED', errno: code, cause: answer })
    expect(error.object).toBe(describeOperation(table, operation))
  })

  test("the kernel's own words and the attribute stand in it", () => {
    const attribute = 'NFTA_SET_KEY_LEN'
    const error = refusal(table, add, netlinkError({ text: 'Too long', attribute }))
    expect(error.message).toContain(': EINVAL, Too long, at NFTA_SET_KEY_LEN.')
  })

  test('and so does the attribute that it misses', () => {
    const error = refusal(table, add, netlinkError({ missing: 'NFTA_SET_ID' }))
    expect(error.message).toContain(': EINVAL, for want of NFTA_SET_ID.')
  })
})

function netlinkError(answer: Partial<Refusal>): NetlinkError {
  return new NetlinkError([
    {
      code: 'EINVAL',
      errno: 22,
      request: 'NFT_MSG_NEWSETELEM',
      index: 0,
      text: undefined,
      attribute: undefined,
      missing: undefined,
      ...answer,
    },
  ])
}
