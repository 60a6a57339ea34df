import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { GOALS } from '../goals.ts'
import type { BenchContext, Mode } from '../harness/context.ts'
import { type Figure, figureOf } from '../harness/figure.ts'
import { agentMemory } from '../start/agent-memory.ts'
import { startChild } from '../start/child.ts'
import type { ClusterSize } from '../start/cluster-texts.ts'
import { type Rss, settledRss } from '../start/settled-rss.ts'
import { sizeArguments } from '../start/size-arguments.ts'
import { type Start, type StartKind, Starts } from '../start/starts.ts'

interface Workload {
  readonly size: ClusterSize
  readonly kinds: readonly StartKind[]
  /** Modes that have it; so many rounds at least. */
  readonly atLeast: Readonly<Partial<Record<Mode, number>>>
  /** Share of the group's time that is over then. */
  readonly until: number
}

const SMALL: ClusterSize = { pods: 10_000, policies: 1_000 }
const LARGE: ClusterSize = { pods: 100_000, policies: 10_000 }

const STARTS: readonly Workload[] = [
  { size: SMALL, kinds: ['cold', 'again'], atLeast: { quick: 1, full: 3 }, until: 0.25 },
  { size: LARGE, kinds: ['cold'], atLeast: { full: 3 }, until: 0.65 },
]
const MEMORY: readonly Omit<Workload, 'kinds'>[] = [
  { size: SMALL, atLeast: { quick: 1, full: 3 }, until: 0.85 },
  { size: LARGE, atLeast: { full: 1 }, until: 1 },
]

/** How long nothing happens before each start, to know how long the gaps are then. */
const IDLE_MS: Readonly<Record<Mode, number>> = { quick: 500, full: 2000 }
/** Memory is settled when it has not changed for so long: V8 gives it back after 8 s (src/agent/spare-memory.ts). */
const QUIET_MS: Readonly<Record<Mode, number>> = { quick: 10_000, full: 15_000 }

/** How an agent of a large cluster starts, cold and again, what others notice of it, and what it takes to hold it. */
export async function startFigures(context: BenchContext): Promise<Figure[]> {
  const figures: Figure[] = []
  for (const workload of STARTS) figures.push(...(await measureStarts(workload, context)))
  for (const workload of MEMORY) figures.push(...(await measureMemory(workload, context)))
  return figures
}

interface Pair<T> {
  readonly ours: T
  readonly theirs: T
}

async function measureStarts(workload: Workload, context: BenchContext): Promise<Figure[]> {
  const { size, kinds, until } = workload
  const atLeast = workload.atLeast[context.mode]
  if (atLeast === undefined) return []
  const scratch = join(context.scratch, `start-${size.pods}`)
  mkdirSync(scratch)
  const starts = new Starts(size, scratch, IDLE_MS[context.mode])
  const results = new Map(kinds.map((kind) => [kind, new Array<Pair<Start>>()]))
  try {
    for (const round of context.rounds(until, atLeast)) {
      for (const kind of kinds) {
        context.signal.throwIfAborted()
        context.noise.sample()
        context.say(`start: ${nameOf(size)}: ${kind}: round ${round + 1}`)
        results.get(kind)?.push(await startBoth(starts, kind, round))
      }
    }
  } finally {
    await starts.close()
  }
  return kinds.flatMap((kind) => figuresOfStarts(kind, size, results.get(kind) ?? []))
}

/** Who begins changes, but for the first time: what nft loads comes of our start. */
async function startBoth(starts: Starts, kind: StartKind, round: number): Promise<Pair<Start>> {
  if (round % 2 === 1) {
    const theirs = await starts.theirs(kind)
    return { theirs, ours: await starts.ours(kind) }
  }
  const ours = await starts.ours(kind)
  if (round === 0 && kind === 'cold') starts.keep()
  const theirs = await starts.theirs(kind)
  if (round === 0 && kind === 'cold') await starts.compare()
  return { ours, theirs }
}

const TITLES: Readonly<Record<StartKind, string>> = { cold: 'Cold start', again: 'Restart' }

function figuresOfStarts(
  kind: StartKind,
  size: ClusterSize,
  rounds: readonly Pair<Start>[],
): Figure[] {
  const title = `${TITLES[kind]}, ${nameOf(size)}`
  const took = paired(title, 'nft -f', 'ms', rounds, ({ ms }) => ms)
  const gaps = [
    gapFigure(`${title}, longest forwarding gap on this node`, rounds, ({ here }) => here),
    gapFigure(`${title}, longest forwarding gap on others`, rounds, ({ elsewhere }) => elsewhere),
  ]
  const theirGaps = rounds.map(({ theirs }) => ({ ours: theirs, theirs }))
  const told = gapFigure(
    `${title} by nft -f, longest forwarding gap`,
    theirGaps,
    ({ here }) => here,
  )
  if (kind === 'again') return [took, ...gaps, told]
  const name = `Kernel memory of the table, ${nameOf(size)}`
  const memory = paired(name, 'nft -f', 'MiB', rounds, ({ kernelMiB }) => kernelMiB)
  return [took, ...gaps, told, memory]
}

function paired<T>(
  title: string,
  against: string,
  unit: string,
  rounds: readonly Pair<T>[],
  sample: (one: T) => number,
): Figure {
  return figureOf({
    figure: `${title}, against ${against}`,
    unit,
    share: 0.5,
    ours: rounds.map(({ ours }) => [sample(ours)]),
    baseline: rounds.map(({ theirs }) => [sample(theirs)]),
    goal: GOALS[title],
  })
}

/** The worst of all rounds, beside the worst before they began. */
function gapFigure(
  title: string,
  rounds: readonly Pair<Start>[],
  gap: (gaps: Start['gapMs']) => number,
): Figure {
  return figureOf({
    figure: `${title}, against the same node idle`,
    unit: 'ms',
    share: 1,
    ours: rounds.map(({ ours }) => [gap(ours.gapMs)]),
    baseline: rounds.map(({ ours }) => [ours.gapMs.idle]),
    goal: GOALS[title],
  })
}

async function measureMemory(
  { size, atLeast, until }: Omit<Workload, 'kinds'>,
  context: BenchContext,
): Promise<Figure[]> {
  const least = atLeast[context.mode]
  if (least === undefined) return []
  const results: Pair<Rss>[] = []
  for (const round of context.rounds(until, least)) {
    context.signal.throwIfAborted()
    context.noise.sample()
    context.say(`memory: ${nameOf(size)}: round ${round + 1}`)
    const scratch = join(context.scratch, `memory-${size.pods}-${round}`)
    const quietMs = QUIET_MS[context.mode]
    const theirsFirst = round % 2 === 1 ? await holderMemory(size) : undefined
    const ours = await agentMemory(size, scratch, quietMs)
    results.push({ ours, theirs: theirsFirst ?? (await holderMemory(size)) })
  }
  const figure = (when: string, sample: (rss: Rss) => number): Figure => {
    const title = `Memory of the agent, ${nameOf(size)}, ${when}`
    return paired(title, 'the objects as JSON text', 'MiB', results, sample)
  }
  return [
    figure('settled', ({ settledMiB }) => settledMiB),
    figure('peak', ({ peakMiB }) => peakMiB),
  ]
}

async function holderMemory(size: ClusterSize): Promise<Rss> {
  const holder = startChild('json-holder.ts', sizeArguments(size), HOLDER_FLAGS)
  try {
    await holder.next()
    return await settledRss(holder.process.pid ?? 0, HOLDER_QUIET_MS)
  } finally {
    await holder.end()
  }
}

const HOLDER_FLAGS = ['--max-semi-space-size=4', '--expose-gc']
const HOLDER_QUIET_MS = 500

function nameOf({ pods, policies }: ClusterSize): string {
  return `${pods / 1000}k pods and ${policies / 1000}k policies`
}
