import { reasonOf } from '../../../src/pods/errors.ts'
import { until } from '../until.ts'
import type { Fault } from './plan.ts'
import type { Scene } from './scene.ts'

export interface Round<T> {
  /** Goes before, undisturbed. */
  readonly prepare?: (container: string) => Promise<void>
  /** What the container runtime asks; resolves to what came of it. */
  readonly act: (container: string) => Promise<T>
  /** Holds the outcome against what must be, and leaves the scene clean. */
  readonly judge: (container: string, outcome: T) => Promise<void>
  /** Only some of the steps. */
  readonly share?: Share | undefined
}

/** One step in so many, and which of them is the first: 1 to `of`. */
export interface Share {
  readonly of: number
  readonly first: number
}

/** An agent that takes no step for so long has nothing more to do, on a busy machine too. */
const QUIET_MS = 1000

/** What changes nothing: to die after it leaves the same as to die before it. */
export const READING = /^(open|RTM_GET|IPCTNL_MSG_CT_GET|NFT_MSG_GET)/u

/**
 * Lets a fault befall the agent at the first step of what it is asked, then at the second, and so on until there
 * are no more, what it does by itself afterwards included. Deaths that leave the same are died once.
 *
 * @returns the names of the steps
 */
export async function atEachStep<T>(
  scene: Scene,
  fault: Fault,
  { prepare = async () => {}, act, judge, share }: Round<T>,
): Promise<readonly string[]> {
  const { injection } = scene
  for (let at = share?.first ?? 1; ; ) {
    const container = scene.newContainer()
    await prepare(container)
    injection.arm(at, fault)
    const outcome = await act(container)
    await hasStruck(scene, at)
    const steps = injection.disarm()
    const name = steps[at - 1]
    try {
      await judge(container, outcome)
    } catch (cause) {
      const what = `${fault.kind} at step ${at}, ${name ?? 'which never came'}`
      throw new Error(`${what}: ${reasonOf(cause)}`, { cause })
    }
    if (name === undefined) return steps
    at += fault.kind === 'kill' && READING.test(name) ? 2 : 1
    while (share !== undefined && (at - share.first) % share.of !== 0) at += 1
  }
}

/** All shares of so many, in an order that changes from run to run: an agent has to be started for each step. */
export function drawShares(of: number): readonly Share[] {
  const drawn = Math.floor(Math.random() * of)
  const shares = Array.from({ length: of }, (_, place) => ({
    of,
    first: ((drawn + place) % of) + 1,
  }))
  console.log(`SHARES=${shares.map(({ first }) => first).join()}`)
  return shares
}

/** Resolves once the fault has come, or when it comes no more. */
async function hasStruck({ injection }: Scene, at: number): Promise<void> {
  let count = 0
  let since = performance.now()
  await until('the agent does what it was asked', () => {
    const now = injection.steps().length
    if (now > count) since = performance.now()
    count = now
    return count >= at || performance.now() - since > QUIET_MS
  })
}
