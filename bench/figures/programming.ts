import { GOALS } from '../goals.ts'
import type { BenchContext, Mode } from '../harness/context.ts'
import { type Figure, figureOf, type Samples } from '../harness/figure.ts'
import { batches, churn } from '../programming/churn.ts'
import type { ClusterSize } from '../programming/cluster.ts'
import { ProgrammedNode, type Way } from '../programming/node.ts'
import {
  everyoneScenario,
  localRelabelScenario,
  namespaceScenario,
  podScenario,
  policyScenario,
  relabelScenario,
  type Scenario,
} from '../programming/scenarios.ts'
import { takeTurns } from '../programming/take-turns.ts'
import { timeResync, timeScenario, type Times } from '../programming/turn.ts'

/** The goals are for this one. */
const USUAL: ClusterSize = { pods: 10_000, policies: 1_000 }
const SMALL: ClusterSize = { pods: 1_000, policies: 1_000 }
const LARGE: ClusterSize = { pods: 100_000, policies: 1_000 }

/** What is measured, each with the share of the group's time that is over then. */
const SIZES: Readonly<Record<Mode, readonly (ClusterSize & { readonly until: number })[]>> = {
  quick: [{ ...USUAL, until: 0.6 }],
  full: [
    { pods: 1_000, policies: 100, until: 0.05 },
    { ...SMALL, until: 0.1 },
    { pods: 1_000, policies: 10_000, until: 0.15 },
    { pods: 10_000, policies: 100, until: 0.2 },
    { ...USUAL, until: 0.35 },
    { pods: 10_000, policies: 10_000, until: 0.42 },
    { pods: 100_000, policies: 100, until: 0.5 },
    { ...LARGE, until: 0.6 },
    { pods: 100_000, policies: 10_000, until: 0.86 },
  ],
}
const UNTIL_GROWTH = 0.9
const UNTIL_CHURN = [0.95, 1] as const
const ROUNDS_AT_LEAST: Readonly<Record<Mode, number>> = { quick: 2, full: 3 }

/** So many of each in a turn: one through `nft` takes a hundred times as long. */
const PODS: Workload = { scenario: podScenario, ours: 300, nft: 5 }
const OTHERS: readonly Workload[] = [
  { scenario: relabelScenario, ours: 30, nft: 1 },
  { scenario: localRelabelScenario, ours: 30, nft: 1 },
  { scenario: namespaceScenario, ours: 30, nft: 1 },
  { scenario: policyScenario, ours: 20, nft: 1 },
]
const EVERYONE: Workload = { scenario: everyoneScenario, ours: 1, nft: 1 }

interface Workload {
  readonly scenario: Scenario
  readonly ours: number
  readonly nft: number
}

/** 64 KiB, which is what a watch's stream is read in, hold so many pods of 3.5 kB. */
const BATCH = 18
const CHURN_EVENTS = 10_000
/** Through `nft`; also of one event. */
const CHURN_BATCHES_NFT = 30

/**
 * From an event in the cluster to the commit of what it changes on one node, against the same transactions by
 * `nft -f -` and against a full re-sync; how that grows with the cluster; and how many events a second that makes.
 */
export async function programmingFigures(context: BenchContext): Promise<Figure[]> {
  const figures: Figure[] = []
  for (const size of SIZES[context.mode]) figures.push(...(await latencyFigures(size, context)))
  if (context.mode === 'full') figures.push(...(await growthFigures(context)))
  return [...figures, ...(await churnFigures(context))]
}

async function latencyFigures(
  { until, ...size }: (typeof SIZES)[Mode][number],
  context: BenchContext,
): Promise<Figure[]> {
  const label = labelOf(size)
  const workloads = hasAllEvents(size) ? [PODS, ...OTHERS, EVERYONE] : [PODS]
  const rounds: Times[][] = []
  await withNodes([size], context, async ([node]) => {
    if (node === undefined) return
    for (const round of context.rounds(until, ROUNDS_AT_LEAST[context.mode])) {
      context.say(`programming: ${label}: round ${round + 1}`)
      const turns = [
        () => timeAll(node, workloads, 'netlink', round),
        () => timeAll(node, workloads, 'nft', round),
        () => timeResync(node, round),
      ]
      rounds.push(await takeTurns(turns, round, context))
    }
  })
  return [...(rounds[0]?.[0]?.keys() ?? [])].flatMap((name) =>
    statisticsOf(name).flatMap(({ share, baselines }) => {
      const figure = `${name}, ${label}, p${100 * share}`
      return baselines.map((baseline) =>
        figureOf({
          figure: `${figure}, against ${CONTENDERS[baseline]}`,
          unit: 'ms',
          share,
          ours: rounds.map(([ours]) => ours?.get(name) ?? []),
          baseline: rounds.map(({ [baseline]: times }) => times?.get(name) ?? []),
          goal: GOALS[figure],
        }),
      )
    }),
  )
}

const CONTENDERS = ['netlink', 'nft -f', 'full re-sync'] as const

/** A re-sync takes as long whatever happened. The other sides have too few samples for a p99. */
function statisticsOf(name: string): readonly { share: number; baselines: readonly (1 | 2)[] }[] {
  if (name !== 'pod add') return [{ share: 0.5, baselines: [1] }]
  return [
    { share: 0.5, baselines: [1, 2] },
    { share: 0.99, baselines: [1] },
  ]
}

/** All events at one size in three: the table is long enough. */
function hasAllEvents({ pods, policies }: ClusterSize): boolean {
  return pods === 10 * policies
}

async function timeAll(
  node: ProgrammedNode,
  workloads: readonly Workload[],
  way: Way,
  round: number,
): Promise<Times> {
  const times: Times = new Map()
  for (const { scenario, ours, nft } of workloads) {
    const count = way === 'nft' ? nft : ours
    const some = await timeScenario(node, scenario, { from: round * count, count, way })
    for (const [name, samples] of some) times.set(name, samples)
  }
  return times
}

/** Two clusters in one process take turns, so that both have the same heap to be collected. */
async function growthFigures(context: BenchContext): Promise<Figure[]> {
  const rounds: Samples[][] = []
  await withNodes([LARGE, SMALL], context, async ([large, small]) => {
    if (large === undefined || small === undefined) return
    for (const round of context.rounds(UNTIL_GROWTH, 2 * ROUNDS_AT_LEAST[context.mode])) {
      context.say(`programming: growth: round ${round + 1}`)
      const turns = [large, small].map((node) => () => timePodAdds(node, round))
      rounds.push(await takeTurns(turns, round, context))
    }
  })
  const figure = `pod add, ${labelOf(LARGE)}, p50`
  return [
    figureOf({
      figure: `${figure}, against ${labelOf(SMALL)}`,
      unit: 'ms',
      share: 0.5,
      ours: rounds.map(([ours = []]) => ours),
      baseline: rounds.map(([, baseline = []]) => baseline),
      goal: GOALS['pod add, growth with the cluster'],
    }),
  ]
}

async function timePodAdds(node: ProgrammedNode, round: number): Promise<Samples> {
  const all = { from: round * PODS.ours, count: PODS.ours, way: 'netlink' } as const
  return (await timeScenario(node, podScenario, all)).get('pod add') ?? []
}

async function churnFigures(context: BenchContext): Promise<Figure[]> {
  const figures: Figure[] = []
  await withNodes([USUAL], context, async ([node]) => {
    if (node === undefined) return
    for (const [index, size] of [BATCH, 1].entries()) {
      const rounds: number[][] = []
      const until = UNTIL_CHURN[index] ?? 1
      for (const round of context.rounds(until, ROUNDS_AT_LEAST[context.mode])) {
        context.say(`programming: churn by ${size}: round ${round + 1}`)
        const turns = (['netlink', 'nft'] as const).map((way) => () => churnRate(node, size, way))
        rounds.push(await takeTurns(turns, round, context))
      }
      figures.push(churnFigure(size, rounds))
    }
  })
  return figures
}

function churnFigure(size: number, rounds: readonly (readonly number[])[]): Figure {
  const figure = `churn, ${labelOf(USUAL)}, ${size === 1 ? 'one event' : `${size} events`} at a time`
  return figureOf({
    figure: `${figure}, against nft -f`,
    unit: 'events/s',
    share: 0.5,
    ours: rounds.map(([ours = Number.NaN]) => [ours]),
    baseline: rounds.map(([, baseline = Number.NaN]) => [baseline]),
    goal: GOALS[figure],
  })
}

/** Events a second. */
async function churnRate(node: ProgrammedNode, size: number, way: Way): Promise<number> {
  const events = churn(node, way === 'nft' ? size * CHURN_BATCHES_NFT : CHURN_EVENTS)
  const all = batches(events, size)
  const startedAt = performance.now()
  for (const batch of all) await node.tell(batch, way)
  return events.length / ((performance.now() - startedAt) / 1000)
}

/** Opens them, and at the end holds their tables in the kernel against the policies. @throws on a wrong verdict */
async function withNodes(
  sizes: readonly ClusterSize[],
  { say }: BenchContext,
  work: (nodes: readonly ProgrammedNode[]) => Promise<void>,
): Promise<void> {
  const nodes: ProgrammedNode[] = []
  try {
    for (const size of sizes) {
      say(`programming: ${labelOf(size)}: making the cluster`)
      const netns = `/run/netns/sluice-bench-${process.pid}-programming-${nodes.length}`
      nodes.push(await ProgrammedNode.open(size, netns))
    }
    await work(nodes)
    for (const node of nodes) await node.check()
  } finally {
    for (const node of nodes) node.close()
  }
}

function labelOf({ pods, policies }: ClusterSize): string {
  return `${inThousands(pods)} pods × ${inThousands(policies)} policies`
}

function inThousands(count: number): string {
  return count >= 1000 ? `${count / 1000}k` : String(count)
}
