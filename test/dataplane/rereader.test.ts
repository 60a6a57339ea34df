import { setImmediate } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Rereader } from '../../src/dataplane/rereader.ts'

interface Piece {
  readonly number: number
}

describe('a rereader', () => {
  test('reads what comes once when nothing changes', async () => {
    const { reader, reads } = make()
    await reader.readAll(coming(3))
    expect(reads).toEqual([0, 1, 2])
    expect(reader.done.map(({ number }) => number)).toEqual([0, 1, 2])
  })

  test('reads again what has come when something changes', async () => {
    const { reader, reads } = make()
    await reader.readAll(
      coming(4, (number) => {
        if (number === 2) reader.again()
      }),
    )
    expect(reads.slice(0, 2)).toEqual([0, 1])
    expect(reads.slice(2).toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3])
  })

  test('does nothing when something changes after all has come', async () => {
    const { reader, reads } = make()
    reader.again()
    await reader.readAll(coming(2))
    reader.again()
    await setImmediate()
    expect(reads).toEqual([0, 1])
  })

  test('reads the others when one cannot be read, and then says so', async () => {
    const broken = new Error('broken')
    const reads: number[] = []
    const reader = new Rereader<Piece>(({ number }) => {
      reads.push(number)
      if (number === 1) throw broken
    }, yieldToOthers)
    await expect(reader.readAll(coming(4))).rejects.toBe(broken)
    expect(reads).toEqual([0, 1, 2, 3])
  })

  test('reads what has come when no more can come', async () => {
    const { reader, reads } = make()
    const lost = new Error('lost')
    const pieces = coming(4, (number) => {
      if (number === 2) throw lost
    })
    await expect(reader.readAll(pieces)).rejects.toBe(lost)
    expect(reads).toEqual([0, 1])
  })

  /**
   * Whenever changes come, also one at each turn of the event loop for the whole time: it ends, and after a change all
   * that was there is read before anything is read a second time.
   */
  test('serves each change within one round, however many there are', async () => {
    const turns = fc.array(fc.nat(3), { minLength: 1, maxLength: 12 })
    const changes = fc.array(fc.boolean(), { minLength: 1, maxLength: 20 })
    await fc.assert(
      fc.asyncProperty(turns, changes, async (waits, changesAt) => {
        const events: ('change' | number)[] = []
        let turn = 0
        let hasAllCome = false
        const change = (): void => {
          turn += 1
          if (!changesAt[turn % changesAt.length] || hasAllCome) return
          events.push('change')
          reader.again()
        }
        const reader = new Rereader<Piece>(
          ({ number }) => events.push(number),
          async () => {
            await setImmediate()
            change()
          },
        )
        const pieces = async function* () {
          for (const [number, wait] of waits.entries()) {
            for (let waited = 0; waited < wait; waited++) {
              await setImmediate()
              change()
            }
            yield { number }
          }
          hasAllCome = true
        }
        await reader.readAll(pieces())
        const all = waits.map((_, number) => number)
        expect(new Set(events.filter((event) => event !== 'change'))).toEqual(new Set(all))
        events.forEach((event, at) => {
          if (event === 'change') expectOneRound(events.slice(0, at), events.slice(at + 1))
        })
      }),
      { numRuns: 200 },
    )
  })
})

/** Each that was read before a change is read after it, before any is read twice. */
function expectOneRound(
  before: readonly ('change' | number)[],
  after: readonly ('change' | number)[],
): void {
  const reads = after.filter((event) => event !== 'change')
  const firstTwice = reads.findIndex((number, at) => reads.indexOf(number) < at)
  const round = new Set(firstTwice < 0 ? reads : reads.slice(0, firstTwice))
  const there = new Set(before.filter((event) => event !== 'change'))
  expect(there.difference(round)).toEqual(new Set())
}

function make() {
  const reads: number[] = []
  const reader = new Rereader<Piece>(({ number }) => reads.push(number), yieldToOthers)
  return { reader, reads }
}

async function* coming(count: number, before: (number: number) => void = () => {}) {
  for (let number = 0; number < count; number++) {
    before(number)
    yield { number }
    await setImmediate()
  }
}

const yieldToOthers = (): Promise<void> => setImmediate()
