import { makeNamespaces, type NodeNamespaces } from '../cni/node-namespaces.ts'
import { EnforcingNode } from '../enforcement/enforcing-node.ts'
import type { PodPlan, StartOrder } from '../enforcement/node-messages.ts'
import { addressesOf, ingressPolicy, manifestText, podObject } from '../enforcement/node-objects.ts'
import { GOALS } from '../goals.ts'
import type { BenchContext, Mode } from '../harness/context.ts'
import { type Figure, figureOf } from '../harness/figure.ts'
import { Flooder } from '../start-race/flooder.ts'
import {
  type Flooders,
  FRIEND_PORT,
  oneStart,
  type StartOutcome,
  STRANGER_PORT,
} from '../start-race/one-start.ts'

/** Pods that start one after the other in a turn of each side. */
const STARTS: Readonly<Record<StartOrder, number>> = { 'policy-first': 50, 'link-first': 10 }
/** A thousand starts in full mode. */
const ROUNDS_AT_LEAST: Readonly<Record<Mode, number>> = { quick: 2, full: 20 }
const ORDERS = ['policy-first', 'link-first'] as const

const FRIEND = { name: 'friend', addresses: addressesOf(1) }
const STRANGER = { name: 'stranger', addresses: addressesOf(2) }
/** Each start has new addresses, from here on. */
const FIRST_GUEST = 3
const GUESTS = Array.from({ length: STARTS['policy-first'] }, (_, index) => `guest-${index}`)

/**
 * Packets that reach a pod which they must not reach, and packets lost from a peer that may, while pods start under
 * a flood from both; against the same steps with the policy after the link.
 *
 * @throws Error when a packet reaches a pod whose policy came first
 */
export async function startRaceFigures(context: BenchContext): Promise<Figure[]> {
  const names = [FRIEND.name, STRANGER.name, ...GUESTS]
  const namespaces = makeNamespaces(`sluice-bench-${process.pid}-race-`, names)
  const closing: (() => Promise<void>)[] = []
  try {
    const node = await EnforcingNode.open(namespaces.node)
    closing.push(() => node.close())
    await node.apply(manifest())
    const open = async (pod: Omit<PodPlan, 'netns'>, port: number): Promise<Flooder> => {
      const netns = namespaces.podNamespaceOf(pod.name)
      await node.start({ ...pod, netns }, 'policy-first')
      const flooder = new Flooder({ netns, own: pod.addresses, port })
      closing.push(() => flooder.close())
      return flooder
    }
    const friend = await open(FRIEND, FRIEND_PORT)
    const stranger = await open(STRANGER, STRANGER_PORT)
    return figuresOf(await measure(node, namespaces, { friend, stranger }, context))
  } finally {
    for (const close of closing.toReversed()) await close()
    namespaces.remove()
  }
}

/** Every guest may be reached by the friend alone. Nothing says which addresses guests will have. */
function manifest(): string {
  const friends = [{ podSelector: { matchLabels: { app: 'friend' } } }]
  return manifestText([
    ingressPolicy('guest', friends),
    ...[FRIEND, STRANGER].map(({ name, addresses }) => podObject(name, name, addresses)),
    ...GUESTS.map((name) => podObject(name, 'guest')),
  ])
}

/** An element a round. */
type Outcomes = Readonly<Record<StartOrder, StartOutcome[][]>>

async function measure(
  node: EnforcingNode,
  namespaces: NodeNamespaces,
  flooders: Flooders,
  { mode, rounds, say, noise, signal }: BenchContext,
): Promise<Outcomes> {
  const outcomes: Outcomes = { 'policy-first': [], 'link-first': [] }
  let next = FIRST_GUEST
  for (const round of rounds(1, ROUNDS_AT_LEAST[mode])) {
    for (const order of round % 2 === 0 ? ORDERS : ORDERS.toReversed()) {
      noise.sample()
      say(`start race: round ${round + 1}: ${order}`)
      const pods = GUESTS.slice(0, STARTS[order]).map((name): PodPlan => {
        return { name, netns: namespaces.podNamespaceOf(name), addresses: addressesOf(next++) }
      })
      const starts: StartOutcome[] = []
      for (const pod of pods) {
        signal.throwIfAborted()
        starts.push(expectNoLeak(order, await oneStart(node, pod, order, flooders)))
      }
      outcomes[order].push(starts)
      await node.remove(pods)
    }
  }
  return outcomes
}

function expectNoLeak(order: StartOrder, outcome: StartOutcome): StartOutcome {
  // A flood that did not meet the pod would show nothing.
  if (outcome.owed === 0) throw new Error('The friend sent nothing after the link was up.')
  if (order === 'link-first' || outcome.leaked === 0) return outcome
  throw new Error(`WRONG VERDICT: ${outcome.leaked} packets reached a pod that was just starting.`)
}

function figuresOf({ 'policy-first': ours, 'link-first': baseline }: Outcomes): Figure[] {
  return TITLES.map(([title, packets]) =>
    figureOf({
      figure: `Start race, ${ours.flat().length} starts, ${title}`,
      unit: 'packets a start',
      // A median would hide the one packet that counts.
      share: 'mean',
      ours: ours.map((starts) => starts.map(packets)),
      baseline: baseline.map((starts) => starts.map(packets)),
      goal: GOALS[title],
    }),
  )
}

const TITLES = [
  ['packets that reach an isolated pod', ({ leaked }: StartOutcome) => leaked],
  ['packets lost from an allowed peer', ({ lost }: StartOutcome) => lost],
] as const
