import { expect, test } from 'vitest'
import { createInTurn } from '../../src/cni/in-turn.ts'

test('tasks of one key run one after the other, in order; those of another key do not wait', async () => {
  const inTurn = createInTurn()
  const log: string[] = []
  const gate = Promise.withResolvers<void>()
  const first = inTurn('a', async () => {
    log.push('first begins')
    await gate.promise
    log.push('first ends')
    return 1
  })
  const second = inTurn('a', async () => log.push('second'))
  await inTurn('b', async () => log.push('other'))
  expect(log).toEqual(['first begins', 'other'])
  gate.resolve()
  expect(await first).toBe(1)
  await second
  expect(log).toEqual(['first begins', 'other', 'first ends', 'second'])
})

test('a task that fails tells its caller and does not stop the next', async () => {
  const inTurn = createInTurn()
  const first = inTurn('a', () => Promise.reject(new Error('no')))
  const second = inTurn('a', async () => 'yes')
  await expect(first).rejects.toThrow('no')
  expect(await second).toBe('yes')
  expect(await inTurn('a', async () => 'again')).toBe('again')
})
