import { afterAll, beforeAll, expect, test } from 'vitest'
import { atEachStep } from './faults/each-step.ts'
import type { Fault } from './faults/plan.ts'
import { Scene } from './faults/scene.ts'

/**
 * Each step of an ADD, and of a DEL, fails while the agent lives on: the kernel refuses the message, or carries it
 * out and its answer is lost; the file cannot be written.
 */
const scene = new Scene()

beforeAll(() => scene.open())
afterAll(() => scene.close())

const TIMEOUT_MS = 300_000
const FAULTS: readonly [string, Fault][] = [
  ['EPERM', { kind: 'refuse', code: 'EPERM' }],
  ['EEXIST', { kind: 'refuse', code: 'EEXIST' }],
  ['a lost answer', { kind: 'lose' }],
]

/** Of the catalogue, and not `internal`: the runtime is told what could not be done. */
const TYPED = /^Error: CNI (ADD|DEL) of shop\/victim failed: .*\(code (3|5|100|103|104)\)/su
/** Of the steps of an ADD, this many at least cannot fail and pass unnoticed. */
const MIN_FAILURES = 15

test.each(FAULTS)(
  'ADD with %s: an error, and nothing is left without a DEL; or a whole network',
  async (_, fault) => {
    let failures = 0
    await atEachStep(scene, fault, {
      act: (container) => scene.add(container).catch(String),
      judge: async (container, outcome) => {
        if (typeof outcome === 'string') {
          failures += 1
          expect(outcome).toMatch(TYPED)
          expect(outcome).not.toContain('Nor could it all be undone')
          await scene.expectClean()
          await scene.del(container)
        } else {
          await scene.expectAttached(container, outcome)
          await scene.del(container)
          await scene.expectClean()
        }
      },
    })
    expect(failures).toBeGreaterThan(MIN_FAILURES)
  },
  TIMEOUT_MS,
)

test.each(FAULTS.filter(([name]) => name !== 'EEXIST'))(
  'DEL with %s: done all the same, what is left by the agent itself',
  async (_, fault) => {
    await atEachStep(scene, fault, {
      prepare: async (container) => void (await scene.add(container)),
      act: (container) => scene.del(container),
      judge: () => scene.expectClean(),
    })
  },
  TIMEOUT_MS,
)

test('packets of the others had the right verdicts all along', () => scene.expectVerdicts())
