import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { BenchNode, type Turn } from '../cni/bench-node.ts'
import { KernelWatch } from '../cni/kernel-watch.ts'
import { Launcher, type Order } from '../cni/launcher.ts'
import { makeNamespacesInTurns, type NodeNamespaces } from '../cni/node-namespaces.ts'
import type { Plugin, PluginPlace } from '../cni/plugin.ts'
import { referencePlugin } from '../cni/reference.ts'
import { sluicePlugin } from '../cni/sluice.ts'
import { GOALS } from '../goals.ts'
import type { BenchContext, Mode } from '../harness/context.ts'
import { type Figure, figureOf, type Samples } from '../harness/figure.ts'
import { rotated } from '../harness/rotated.ts'

/** Pods that run on the node all the time. */
const RESIDENTS = 250

/** Pods that come and go, in one way. */
interface Workload {
  readonly name: string
  readonly order: Order
  readonly pods: { readonly ours: number; readonly theirs: number }
  /** Modes that have it; so many rounds at least. */
  readonly atLeast: Readonly<Partial<Record<Mode, number>>>
  /** Share of the group's time that is over then. */
  readonly until: number
}

const SERIAL: Workload = {
  name: 'one at a time',
  order: 'serial',
  // A turn of each takes about as long, and ours has enough of them for a p99.
  pods: { ours: 50, theirs: 10 },
  atLeast: { quick: 2, full: 10 },
  until: 0.5,
}
const WORKLOADS: readonly Workload[] = [
  SERIAL,
  crowd(50, { atLeast: { quick: 1, full: 5 }, until: 0.67 }),
  // A turn of the reference plugins takes ten seconds.
  crowd(200, { atLeast: { full: 3 }, until: 1 }),
]

/**
 * CNI ADD and DEL from the start of the plugin's process to its end, dual stack, the policy of the pod in force
 * when ADD ends, beside 250 pods; against the reference plugins of Debian, which enforce none.
 */
export async function cniFigures(context: BenchContext): Promise<Figure[]> {
  const launcher = new Launcher(context.scratch)
  const pods = Array.from({ length: RESIDENTS + guestsOf(context.mode) }, (_, i) => `pod-${i}`)
  const prefixes = CONTENDERS.map(({ name }) => `sluice-bench-${process.pid}-${name}-`)
  const namespaces = makeNamespacesInTurns(prefixes, pods)
  const nodes: BenchNode[] = []
  try {
    for (const [place, contender] of CONTENDERS.entries()) {
      context.say(`cni: ${contender.name}: ${RESIDENTS} pods`)
      const its = namespaces[place]
      if (its === undefined) throw new Error(`${contender.name} has no namespaces.`)
      nodes.push(await openNode(contender, pods, its, { launcher, scratch: context.scratch }))
    }
    return (await compete(nodes, context)).flatMap(figuresOf)
  } finally {
    for (const node of nodes) await node.close()
    for (const its of namespaces) its.remove()
  }
}

interface Contender {
  readonly name: string
  readonly start: (place: PluginPlace) => Plugin | Promise<Plugin>
}

/** The first is ours. */
const CONTENDERS: readonly Contender[] = [
  { name: 'sluice', start: sluicePlugin },
  { name: 'ptp', start: (place) => referencePlugin('ptp', place) },
  { name: 'bridge', start: (place) => referencePlugin('bridge', place) },
]

async function openNode(
  { name, start }: Contender,
  pods: readonly string[],
  namespaces: NodeNamespaces,
  { launcher, scratch: parent }: { readonly launcher: Launcher; readonly scratch: string },
): Promise<BenchNode> {
  const scratch = join(parent, name)
  mkdirSync(scratch)
  const plugin = await start({ netns: namespaces.node, scratch, pods })
  const residents = pods.slice(0, RESIDENTS)
  const guests = pods.slice(RESIDENTS)
  const node = new BenchNode({ plugin, launcher, namespaces, scratch, residents, guests })
  try {
    await node.fill()
  } catch (error) {
    await node.close()
    throw error
  }
  return node
}

function guestsOf(mode: Mode): number {
  const workloads = WORKLOADS.filter(({ atLeast }) => atLeast[mode] !== undefined)
  return Math.max(...workloads.flatMap(({ pods }) => [pods.ours, pods.theirs]))
}

async function compete(nodes: readonly BenchNode[], context: BenchContext): Promise<Results[]> {
  const watch = new KernelWatch(nodes.map(({ netns }) => netns))
  try {
    const results: Results[] = []
    for (const workload of WORKLOADS) {
      const atLeast = workload.atLeast[context.mode]
      if (atLeast === undefined) continue
      results.push(await measure(workload, atLeast, { nodes, watch }, context))
    }
    return results
  } finally {
    watch.close()
  }
}

interface Results {
  readonly workload: Workload
  /** Turns of each contender, ours first; an element a round. */
  readonly turns: readonly { readonly node: BenchNode; readonly turns: readonly Turn[] }[]
}

/** Nodes of all contenders, and what tells when the kernel has done with the turn of one. */
interface Contest {
  readonly nodes: readonly BenchNode[]
  readonly watch: KernelWatch
}

/** Every round has a turn of each; who begins changes. */
async function measure(
  workload: Workload,
  atLeast: number,
  { nodes, watch }: Contest,
  { rounds, say, noise, signal }: BenchContext,
): Promise<Results> {
  const { name, order, pods, until } = workload
  const results = nodes.map((node) => ({ node, turns: new Array<Turn>() }))
  for (const round of rounds(until, atLeast)) {
    for (const { node, turns } of rotated(results, round)) {
      signal.throwIfAborted()
      await watch.untilQuiet()
      noise.sample()
      say(`cni: ${name}: round ${round + 1}: ${node.name}`)
      turns.push(await node.turn(order, node === nodes[0] ? pods.ours : pods.theirs))
    }
  }
  return { workload, turns: results }
}

function figuresOf({ workload, turns: [ours, ...references] }: Results): Figure[] {
  return VERBS.flatMap(([verb, label]) =>
    statisticsOf(workload).flatMap(({ statistic, share, samples }) =>
      references.map((reference) => {
        const figure = `CNI ${label} ${workload.name}, ${statistic}`
        return figureOf({
          figure: `${figure}, against ${reference.node.name}`,
          unit: 'ms',
          share,
          ours: (ours?.turns ?? []).map((turn) => samples(turn[verb])),
          baseline: reference.turns.map((turn) => samples(turn[verb])),
          goal: GOALS[figure],
        })
      }),
    ),
  )
}

const VERBS = [
  ['add', 'ADD'],
  ['del', 'DEL'],
] as const

interface Statistic {
  readonly statistic: string
  readonly share: number
  readonly samples: (launched: Turn['add']) => Samples
}

function statisticsOf({ order }: Workload): readonly Statistic[] {
  if (order === 'at-once') {
    return [{ statistic: 'all done', share: 0.5, samples: ({ allMs }) => [allMs] }]
  }
  const samples: Statistic['samples'] = ({ answers }) => answers.map(({ ms }) => ms)
  return [
    { statistic: 'p50', share: 0.5, samples },
    { statistic: 'p99', share: 0.99, samples },
  ]
}

function crowd(pods: number, when: Pick<Workload, 'atLeast' | 'until'>): Workload {
  return { name: `${pods} at once`, order: 'at-once', pods: { ours: pods, theirs: pods }, ...when }
}
