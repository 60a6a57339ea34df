import { afterAll, beforeAll, expect, test } from 'vitest'
import { atEachStep, drawShares, type Share } from './faults/each-step.ts'
import { Scene } from './faults/scene.ts'

/**
 * The agent dies by SIGKILL before each step of an ADD, one after the other: each netlink message (a transaction
 * of nf_tables is one), each file operation, the reply. Dying right after a step leaves the same as dying before
 * the next, since nothing but the steps can be seen from outside. Two situations share the steps.
 */
const scene = new Scene()
const [FIRST, SECOND] = drawShares(2)

beforeAll(() => scene.open())
afterAll(() => scene.close())

const TIMEOUT_MS = 300_000
/** What every ADD must come by, or this test does not see what it is for. */
const SOME_STEPS = [
  expect.stringMatching(/^renameSync .*\.json/u),
  'RTM_NEWLINK',
  'NFT_MSG_NEWSETELEM',
  expect.stringMatching(/^RTM_NEWROUTE in /u),
  'the end of a reply',
]

test(
  'DEL comes while no agent runs, then ADD of another container',
  async () => {
    const steps = await killAtSteps(FIRST, async (container, outcome) => {
      if (typeof outcome === 'string') expect(outcome).toContain('(code 11)')
      await scene.del(container)
      await scene.revive()
      await scene.expectClean()
      await scene.expectAnother()
    })
    expect(steps).toEqual(expect.arrayContaining(SOME_STEPS))
  },
  TIMEOUT_MS,
)

test(
  'the runtime tries the same ADD again, then DEL, twice',
  async () => {
    await killAtSteps(SECOND, async (container, outcome) => {
      await scene.revive()
      const again = typeof outcome === 'string' ? await scene.add(container).catch(String) : outcome
      // What got as far as an interface is an attachment, and must be deleted first.
      if (typeof again === 'string') expect(again).toContain('(code 100)')
      else await scene.expectAttached(container, again)
      await scene.del(container)
      await scene.del(container)
      await scene.expectClean()
    })
  },
  TIMEOUT_MS,
)

test('packets of the others had the right verdicts all along', () => scene.expectVerdicts())

function killAtSteps(
  share: Share | undefined,
  judge: (container: string, outcome: Awaited<ReturnType<Scene['add']>> | string) => Promise<void>,
): Promise<readonly string[]> {
  const act = (container: string) => scene.add(container).catch(String)
  return atEachStep(scene, { kind: 'kill' }, { act, judge, share })
}
