import { afterAll, beforeAll, expect, test } from 'vitest'
import { atEachStep, drawShares, type Share } from './faults/each-step.ts'
import { Scene } from './faults/scene.ts'

/**
 * The agent dies by SIGKILL before each step of a DEL, one after the other: each netlink message (a transaction
 * of nf_tables is one), each file operation, the reply, and whatever it does afterwards. The runtime sees none of
 * it: every DEL succeeds. Two situations share the steps.
 */
const scene = new Scene()
const [FIRST, SECOND] = drawShares(2)

beforeAll(() => scene.open())
afterAll(() => scene.close())

const TIMEOUT_MS = 300_000
/** What every DEL must come by, or this test does not see what it is for. */
const SOME_STEPS = [
  'RTM_DELLINK',
  'NFT_MSG_DELSETELEM',
  expect.stringMatching(/^renameSync .*\.json/u),
  'the end of a reply',
]

test(
  'the next agent does what is left of it',
  async () => {
    const steps = await killAtSteps(FIRST, async () => {
      await scene.revive()
      await scene.expectClean()
    })
    expect(steps).toEqual(expect.arrayContaining(SOME_STEPS))
  },
  TIMEOUT_MS,
)

test(
  'the runtime sends DEL again, and adds another container',
  async () => {
    await killAtSteps(SECOND, async (container) => {
      await scene.revive()
      await scene.del(container)
      await scene.expectAnother()
    })
  },
  TIMEOUT_MS,
)

test('packets of the others had the right verdicts all along', () => scene.expectVerdicts())

function killAtSteps(
  share: Share | undefined,
  judge: (container: string) => Promise<void>,
): Promise<readonly string[]> {
  const prepare = async (container: string): Promise<void> => void (await scene.add(container))
  const act = (container: string): Promise<void> => scene.del(container)
  return atEachStep(scene, { kind: 'kill' }, { prepare, act, judge, share })
}
