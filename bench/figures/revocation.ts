import { GOALS } from '../goals.ts'
import type { BenchContext, Distribution, Mode } from '../harness/context.ts'
import { type Figure, figureOf } from '../harness/figure.ts'
import { openAgentScene } from '../revocation/agent-scene.ts'
import { openEnforcerScene } from '../revocation/enforcer-scene.ts'
import type { OpenScene } from '../revocation/open-scene.ts'
import { expectOthers, trackOthers } from '../revocation/other-connections.ts'
import { type LastBytes, trial } from '../revocation/trial.ts'

interface Way {
  /** Where the time begins. */
  readonly name: string
  readonly open: () => Promise<OpenScene>
  /** Trials of a round. */
  readonly trials: number
  /** So many rounds at least. */
  readonly atLeast: Readonly<Record<Mode, number>>
  /** Share of the group's time that is over then. */
  readonly until: number
}

const WAYS: readonly Way[] = [
  {
    name: 'enforcer told',
    open: openEnforcerScene,
    trials: 20,
    atLeast: { quick: 1, full: 10 },
    until: 0.7,
  },
  {
    name: 'manifest written',
    open: openAgentScene,
    trials: 5,
    atLeast: { quick: 1, full: 10 },
    until: 1,
  },
]

/**
 * From a policy change to the last byte on a connection and a flow that it forbids, beside 10,000 tracked flows to
 * the same pod that stay allowed.
 *
 * @throws Error when one that is forbidden is not cut, or one of the others is
 */
export async function revocationFigures(context: BenchContext): Promise<Figure[]> {
  const figures: Figure[] = []
  for (const way of WAYS) {
    const rounds = await measure(way, context)
    for (const distribution of distributionsOf(way, rounds.flat())) context.keep(distribution)
    figures.push(...figuresOf(way, rounds))
  }
  return figures
}

/** An element a round. */
async function measure(
  { name, open, trials, atLeast, until }: Way,
  { mode, rounds, say, noise, signal }: BenchContext,
): Promise<LastBytes[][]> {
  say(`revocation: ${name}: setting up`)
  const scene = await open()
  try {
    trackOthers(scene.nodeNetns, scene.serverAddresses)
    const results: LastBytes[][] = []
    for (const round of rounds(until, atLeast[mode])) {
      noise.sample()
      say(`revocation: ${name}: round ${round + 1}`)
      const result: LastBytes[] = []
      for (let number = 0; number < trials; number++) {
        signal.throwIfAborted()
        result.push(await trial(scene, number))
      }
      results.push(result)
    }
    expectOthers(scene.nodeNetns)
    return results
  } finally {
    await scene.close()
  }
}

const PROTOCOLS = ['tcp', 'udp'] as const

function distributionsOf({ name }: Way, trials: readonly LastBytes[]): Distribution[] {
  return PROTOCOLS.map((protocol) => {
    const samples = trials.map((one) => one[protocol])
    return { name: `Revocation, ${name}, ${protocol.toUpperCase()}`, unit: 'ms', samples }
  })
}

const STATISTICS = [
  ['p50', 0.5],
  ['p99', 0.99],
] as const

function figuresOf({ name }: Way, rounds: readonly LastBytes[][]): Figure[] {
  return PROTOCOLS.flatMap((protocol) =>
    STATISTICS.map(([statistic, share]) => {
      const figure = `Revocation, ${name} to last byte, ${protocol.toUpperCase()}, ${statistic}`
      return figureOf({
        figure,
        unit: 'ms',
        share,
        ours: rounds.map((trials) => trials.map((one) => one[protocol])),
        goal: GOALS[figure],
      })
    }),
  )
}
