import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { GOALS } from '../goals.ts'
import type { BenchContext, Mode } from '../harness/context.ts'
import { type Figure, figureOf, type Samples } from '../harness/figure.ts'
import { rotated } from '../harness/rotated.ts'
import { CASES, type Case, STATISTICS } from '../throughput/cases.ts'
import { type Closers, closeAll } from '../throughput/closers.ts'
import type { Contender } from '../throughput/contender.ts'
import { openContenders } from '../throughput/contenders.ts'
import { Requests } from '../throughput/requests.ts'

const ROUNDS_AT_LEAST: Readonly<Record<Mode, number>> = { quick: 1, full: 2 }

/**
 * How much arrives in a second, and how long an answer takes, between pods under policy that allows it: on one
 * node, on two nodes, and through the tunnel; against the same pods without a table, and Debian's `bridge`.
 */
export async function throughputFigures(context: BenchContext): Promise<Figure[]> {
  const closers: Closers = []
  try {
    context.say('throughput: nodes and pods')
    const requests = new Requests(context.scratch)
    closers.push(() => requests.close())
    const scratch = (name: string): string => {
      const path = join(context.scratch, `throughput-${name}`)
      mkdirSync(path)
      return path
    }
    const contenders = await openContenders(context.mode, { scratch, requests, closers })
    const cases = CASES.filter(({ inQuick }) => context.mode === 'full' || inQuick)
    const results = await measure(cases, contenders, requests, context)
    return cases.flatMap((one) => figuresOf(one, contenders, results))
  } finally {
    await closeAll(closers)
  }
}

/** What each contender did in a case, an element a round. */
type Results = ReadonlyMap<Contender, ReadonlyMap<Case, Samples[]>>

/** Every case has a turn of each contender, one right after the other; who begins changes. */
async function measure(
  cases: readonly Case[],
  contenders: readonly Contender[],
  requests: Requests,
  { mode, rounds, say, noise, signal }: BenchContext,
): Promise<Results> {
  const results = new Map(
    contenders.map((one) => [one, new Map(cases.map((what) => [what, new Array<Samples>()]))]),
  )
  for (const round of rounds(1, ROUNDS_AT_LEAST[mode])) {
    for (const contender of contenders) await contender.check()
    for (const what of cases) {
      signal.throwIfAborted()
      noise.sample()
      say(`throughput: round ${round + 1}: ${what.name}`)
      for (const one of rotated(contenders, round)) {
        const samples = await take(what, one, requests)
        if (samples !== undefined) results.get(one)?.get(what)?.push(samples)
      }
    }
  }
  return results
}

/** Undefined where the contender has no such path, or is not asked. */
async function take(
  what: Case,
  contender: Contender,
  requests: Requests,
): Promise<Samples | undefined> {
  const server = contender.servers[what.path]
  if (server === undefined || what.without?.includes(contender.name)) return undefined
  contender.begin?.()
  try {
    return await what.take(contender.client, server, requests)
  } finally {
    contender.end?.()
  }
}

function figuresOf(
  what: Case,
  [ours, ...others]: readonly [Contender, ...Contender[]],
  results: Results,
): Figure[] {
  const of = (contender: Contender): readonly Samples[] => results.get(contender)?.get(what) ?? []
  return STATISTICS[what.kind].flatMap(({ statistic, unit, share }) =>
    others
      .filter((other) => of(other).length > 0)
      .map((other) => {
        const figure = `${what.name}${statistic}`
        const goal = other.isGoal ? GOALS[figure] : undefined
        const [value, baseline] = [of(ours), of(other)]
        return figureOf({
          figure: `${figure}, against ${other.name}`,
          unit,
          share,
          ours: value,
          baseline,
          goal,
        })
      }),
  )
}
