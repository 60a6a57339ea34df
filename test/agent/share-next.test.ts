import { expect, test } from 'vitest'
import { shareNext } from '../../src/agent/share-next.ts'

/** A task whose runs the test ends. */
function controlled() {
  const runs: PromiseWithResolvers<number>[] = []
  const ask = shareNext(() => {
    const run = Promise.withResolvers<number>()
    runs.push(run)
    return run.promise
  })
  return { runs, ask }
}

/** Lets all promises that can settle do so. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('those who ask at one time share a run', async () => {
  const { runs, ask } = controlled()
  const both = Promise.all([ask(), ask()])
  await settled()
  expect(runs).toHaveLength(1)
  runs[0]?.resolve(7)
  expect(await both).toEqual([7, 7])
})

test('those who ask during a run share the next, which waits for it', async () => {
  const { runs, ask } = controlled()
  const first = ask()
  await settled()
  const others = Promise.all([ask(), ask()])
  await settled()
  expect(runs).toHaveLength(1)
  runs[0]?.resolve(1)
  expect(await first).toBe(1)
  await settled()
  expect(runs).toHaveLength(2)
  runs[1]?.resolve(2)
  expect(await others).toEqual([2, 2])
})

test('a run that fails fails for those who share it, and the next begins', async () => {
  const { runs, ask } = controlled()
  const first = ask()
  await settled()
  const second = ask()
  runs[0]?.reject(new Error('refused'))
  await expect(first).rejects.toThrow('refused')
  await settled()
  runs[1]?.resolve(2)
  expect(await second).toBe(2)
})
