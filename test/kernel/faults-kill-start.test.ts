import { afterAll, beforeAll, expect, test } from 'vitest'
import { READING } from './faults/each-step.ts'
import { Scene } from './faults/scene.ts'

/**
 * An agent dies by SIGKILL at each step of its start, with a DEL in the queue and its predecessor dead in the middle
 * of an ADD, and the next one is undisturbed.
 */
const scene = new Scene()

beforeAll(() => scene.open())
afterAll(() => scene.close())

const TIMEOUT_MS = 300_000
const NEVER = 1_000_000
/** Every step is died at in one of the two situations, which one changes from run to run: an agent start is slow. */
const SHARES = 2
const FIRST_SHARE = Math.floor(Math.random() * SHARES)
console.log(`FIRST_SHARE=${FIRST_SHARE}`)

test.each([
  { what: 'a DEL in the queue', leave: leaveQueued, needsDel: false, turn: 0 },
  { what: 'half an ADD', leave: leaveHalfAdded, needsDel: true, turn: 1 },
])(
  '$what',
  async ({ leave, needsDel, turn }) => {
    const end = async (container: string): Promise<void> => {
      if (needsDel) await scene.del(container)
      await scene.expectClean()
    }
    const steps = await stepsOfStart(leave, end)
    const places = steps
      .keys()
      .filter((place) => !READING.test(steps[place - 1] ?? ''))
      .filter((place) => place % SHARES === (turn + FIRST_SHARE) % SHARES)
    let deaths = 0
    for (const place of places) {
      const container = await leave()
      scene.injection.arm(place + 1, { kind: 'kill' })
      await scene.revive().catch(() => undefined)
      if (scene.injection.disarm().length === place + 1) deaths += 1
      await scene.revive()
      await end(container)
    }
    expect(deaths).toBeGreaterThan(5)
  },
  TIMEOUT_MS,
)

test('packets of the others had the right verdicts all along', () => scene.expectVerdicts())

async function stepsOfStart(
  leave: () => Promise<string>,
  end: (container: string) => Promise<void>,
): Promise<readonly string[]> {
  const container = await leave()
  scene.injection.arm(NEVER, { kind: 'kill' })
  await scene.revive()
  const steps = scene.injection.disarm()
  await end(container)
  return steps
}

async function leaveQueued(): Promise<string> {
  const container = scene.newContainer()
  await scene.add(container)
  await scene.cluster.killAgent(scene.cluster.node)
  await scene.del(container)
  return container
}

async function leaveHalfAdded(): Promise<string> {
  const container = scene.newContainer()
  scene.injection.arm(HALF, { kind: 'kill' })
  await scene.add(container).catch(String)
  scene.injection.disarm()
  return container
}

/** The step at which it dies: behind its record, its link and the first of its elements. */
const HALF = 14
