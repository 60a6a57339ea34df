import {
  check,
  type Contender,
  type Kind,
  measure,
  openContender,
} from '../connections/contender.ts'
import { type Amount, Sender, type Traffic } from '../connections/sender.ts'
import { GOALS } from '../goals.ts'
import type { BenchContext, Mode } from '../harness/context.ts'
import { type Figure, figureOf, type Samples } from '../harness/figure.ts'
import { rotated } from '../harness/rotated.ts'

/** So many policies select the server. */
const POLICIES = [10, 100, 1_000, 10_000] as const

/** The usual layout's most policies are left out of quick mode: `nft -f` takes a minute for 10,000 sets. */
const MOST_USUAL: Readonly<Record<Mode, number>> = { quick: 1_000, full: 10_000 }
const ROUNDS_AT_LEAST: Readonly<Record<Mode, number>> = { quick: 2, full: 5 }

/** Small batches: what else runs on the machine then spoils some of them, not all. */
const AMOUNTS: Readonly<Record<Traffic, Amount>> = {
  tcp: { batches: 20, flows: 40 },
  udp: { batches: 20, flows: 100 },
  established: { batches: 20, flows: 100 },
}

/** A flow takes the usual layout milliseconds there: it would take more time than all others. */
const BATCHES_OF_SLOW = 2

/** One way to judge packets, and what was sent through it took: an element a round. */
interface Entrant {
  readonly kind: Kind
  readonly policies: number
  readonly contender: Contender
  readonly taken: Readonly<Record<Traffic, Samples[]>>
}

/**
 * New TCP connections per second, and what the first and every later packet of a UDP flow take, to a pod that 10 to
 * 10,000 policies select, beside 100,000 peers; against connection tracking alone and against the usual layout.
 */
export async function connectionFigures(context: BenchContext): Promise<Figure[]> {
  const sender = new Sender(context.scratch)
  const entrants: Entrant[] = []
  try {
    for (const [kind, policies] of entrantsOf(context.mode)) {
      context.signal.throwIfAborted()
      context.say(`connections: ${kind}, ${policies} policies`)
      const contender = await openContender(`${kind}${entrants.length}`, kind, policies)
      entrants.push({ kind, policies, contender, taken: { tcp: [], udp: [], established: [] } })
      await check(sender, contender)
    }
    await takeTurns(sender, entrants, context)
    for (const { contender } of entrants) await check(sender, contender)
    return figuresOf(entrants)
  } finally {
    for (const { contender } of entrants) contender.place.close()
  }
}

/** Tracking takes part twice: what differs between the two is what these figures cannot tell. */
function entrantsOf(mode: Mode): (readonly [Kind, number])[] {
  return [
    ['nothing', 0],
    ['tracking', 0],
    ['tracking', 0],
    ['translation', 0],
    ...POLICIES.map((policies) => ['sluice', policies] as const),
    ...POLICIES.filter((policies) => policies <= MOST_USUAL[mode]).map(
      (policies) => ['usual', policies] as const,
    ),
  ]
}

/** Every round has a turn of each; who begins changes. */
async function takeTurns(
  sender: Sender,
  entrants: readonly Entrant[],
  { mode, rounds, say, noise, signal }: BenchContext,
): Promise<void> {
  for (const round of rounds(1, ROUNDS_AT_LEAST[mode])) {
    noise.sample()
    say(`connections: round ${round + 1}`)
    for (const traffic of TRAFFIC) {
      for (const entrant of rotated(entrants, round)) {
        signal.throwIfAborted()
        const amount = {
          ...AMOUNTS[traffic],
          ...(isSlow(entrant) && { batches: BATCHES_OF_SLOW }),
        }
        const samples = await measure(sender, entrant.contender, traffic, amount)
        entrant.taken[traffic].push(samples)
      }
    }
  }
}

function isSlow({ kind, policies }: Entrant): boolean {
  return kind === 'usual' && policies > MOST_USUAL.quick
}

function figuresOf(entrants: readonly Entrant[]): Figure[] {
  const of = (kind: Kind): readonly Entrant[] => entrants.filter((one) => one.kind === kind)
  const [nothing] = of('nothing')
  const [tracking, again] = of('tracking')
  const [translation] = of('translation')
  const ours = of('sluice')
  const [fewest, most] = [ours.at(0), ours.at(-1)]
  if (!nothing || !tracking || !again || !translation || !fewest || !most) {
    throw new Error('Some took no part.')
  }
  return TRAFFIC.flatMap((traffic) => {
    const compare = comparisonOf(traffic)
    const title = TITLES[traffic]
    return [
      ...([tracking, translation, fewest] as const).map((one) =>
        compare(`${title}, ${NAMES[one.kind]}`, 'no table', one, nothing),
      ),
      compare(`${title}, ${NAMES.sluice}`, NAMES.translation, fewest, translation),
      ...ours.map((one) =>
        compare(`${title}, ${one.policies} policies`, 'tracking', one, tracking),
      ),
      ...of('usual').map((one) =>
        compare(`${title}, ${one.policies} policies, usual layout`, 'tracking', one, tracking),
      ),
      compare(`${title}, flat`, `${fewest.policies} policies`, most, fewest),
      compare(`${title}, ${NAMES.translation}`, 'tracking', translation, tracking),
      compare(`${title}, tracking`, 'itself', again, tracking),
    ]
  })
}

const TRAFFIC = ['tcp', 'udp', 'established'] as const satisfies readonly Traffic[]
const TITLES: Readonly<Record<Traffic, string>> = {
  tcp: 'New connections',
  udp: 'First packet',
  established: 'Later packets',
}
const NAMES: Readonly<Record<Kind, string>> = {
  nothing: 'no table',
  tracking: 'tracking',
  translation: 'tracking and translation',
  sluice: 'Sluice',
  usual: 'usual layout',
}

type Compare = (title: string, against: string, ours: Entrant, baseline: Entrant) => Figure

/** Connections are told by the second, since that is how they are asked for; packets by what one takes. */
function comparisonOf(traffic: Traffic): Compare {
  const told = (rounds: readonly Samples[]): readonly Samples[] =>
    traffic === 'tcp' ? rounds.map((samples) => samples.map((ns) => 1e9 / ns)) : rounds
  return (title, against, ours, baseline) =>
    figureOf({
      figure: `${title}, against ${against}`,
      unit: traffic === 'tcp' ? '/s' : 'ns',
      share: 0.5,
      ours: told(ours.taken[traffic]),
      baseline: told(baseline.taken[traffic]),
      goal: GOALS[title],
    })
}
