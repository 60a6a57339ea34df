import { expect, test } from 'vitest'
import { faultsOf, mendingTransactions } from '../../src/dataplane/mend-elements.ts'
import { sets } from '../../src/dataplane/sets.ts'

const set = sets.podClass[4]
const element = (key: number, data: number) => ({ key, data })

test('what is missing, what is too much, and what is other', () => {
  const wanted = [element(1, 17), element(2, 18), element(3, 19)]
  const found = [element(2, 18), element(3, 20), element(4, 21)]
  expect(faultsOf(set, wanted, found)).toEqual({
    set,
    surplus: [element(3, 20), element(4, 21)],
    missing: [element(1, 17), element(3, 19)],
  })
})

test('an interval of one key is the key, however it is spelt', () => {
  const wanted = [{ key: 1, last: 1, data: 17 }]
  expect(faultsOf(sets.blockClass[4], wanted, [element(1, 17)])).toMatchObject({
    surplus: [],
    missing: [],
  })
})

test('what goes is gone before anything comes, in transactions of bounded size', () => {
  const many = Array.from({ length: 4500 }, (_, key) => element(key, 17))
  const transactions = mendingTransactions([
    { set, surplus: [element(1, 18)], missing: many },
    { set: sets.members.ingress[4], surplus: [{ key: 7 }], missing: [] },
  ])
  const operations = transactions.map((one) =>
    one.operations.map((operation) => {
      if (operation.kind !== 'addElements' && operation.kind !== 'deleteElements') return operation
      return `${operation.kind} ${operation.set.name} ${operation.elements.length}`
    }),
  )
  expect(operations).toEqual([
    ['deleteElements pod_class4 1', 'deleteElements in_pods4 1'],
    ['addElements pod_class4 2000'],
    ['addElements pod_class4 2000'],
    ['addElements pod_class4 500'],
  ])
  expect(mendingTransactions([])).toEqual([])
})
