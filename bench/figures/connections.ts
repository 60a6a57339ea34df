import {
  check,
  type Contender,
  type Kind,
  measure,
  openContender,
} from '../connections/contender.ts'
import { type Amount, type Protocol, Sender } from '../connections/sender.ts'
import { GOALS } from '../goals.ts'
import type { BenchContext, Mode } from '../harness/context.ts'
import { type Figure, figureOf, type Samples } from '../harness/figure.ts'

/** So many policies select the server. */
const POLICIES = [10, 100, 1_000, 10_000] as const

/** The usual layout's most policies are left out of quick mode: `nft -f` takes a minute for 10,000 sets. */
const MOST_USUAL: Readonly<Record<Mode, number>> = { quick: 1_000, full: 10_000 }
const ROUNDS_AT_LEAST: Readonly<Record<Mode, number>> = { quick: 2, full: 5 }

/** Small batches: what else runs on the machine then spoils some of them, not all. */
const AMOUNTS: Readonly<Record<Protocol, Amount>> = {
  tcp: { batches: 20, flows: 40 },
  udp: { batches: 20, flows: 100 },
}

/** A flow takes the usual layout milliseconds there: it would take more time than all others. */
const BATCHES_OF_SLOW = 2

/** One way to judge packets, and what its flows took: an element a round, by protocol. */
interface Entrant {
  readonly kind: Kind
  readonly policies: number
  readonly contender: Contender
  readonly taken: Readonly<Record<Protocol, Samples[]>>
}

/**
 * New TCP connections per second, and what the first packet of a UDP flow takes, to a pod that 10 to 10,000
 * policies select, beside 100,000 peers; against connection tracking alone and against the usual layout.
 */
export async function connectionFigures(context: BenchContext): Promise<Figure[]> {
  const sender = new Sender(context.scratch)
  const entrants: Entrant[] = []
  try {
    for (const [kind, policies] of entrantsOf(context.mode)) {
      context.signal.throwIfAborted()
      context.say(`connections: ${kind}, ${policies} policies`)
      const contender = await openContender(`${kind}${entrants.length}`, kind, policies)
      entrants.push({ kind, policies, contender, taken: { tcp: [], udp: [] } })
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
    for (const protocol of ['tcp', 'udp'] as const) {
      for (let step = 0; step < entrants.length; step++) {
        signal.throwIfAborted()
        const entrant = entrants[(round + step) % entrants.length]
        if (entrant === undefined) continue
        const amount = {
          ...AMOUNTS[protocol],
          ...(isSlow(entrant) && { batches: BATCHES_OF_SLOW }),
        }
        const samples = await measure(sender, entrant.contender, protocol, amount)
        entrant.taken[protocol].push(samples)
      }
    }
  }
}

function isSlow({ kind, policies }: Entrant): boolean {
  return kind === 'usual' && policies > MOST_USUAL.quick
}

function figuresOf(entrants: readonly Entrant[]): Figure[] {
  const of = (kind: Kind): readonly Entrant[] => entrants.filter((one) => one.kind === kind)
  const [tracking, again] = of('tracking')
  const ours = of('sluice')
  const [fewest, most] = [ours.at(0), ours.at(-1)]
  if (!tracking || !again || !fewest || !most) throw new Error('Some took no part.')
  return (['tcp', 'udp'] as const).flatMap((protocol) => {
    const compare = comparisonOf(protocol)
    const title = TITLES[protocol]
    return [
      ...ours.map((one) =>
        compare(`${title}, ${one.policies} policies`, 'tracking', one, tracking),
      ),
      ...of('usual').map((one) =>
        compare(`${title}, ${one.policies} policies, usual layout`, 'tracking', one, tracking),
      ),
      compare(`${title}, flat`, `${fewest.policies} policies`, most, fewest),
      ...of('translation').map((one) =>
        compare(`${title}, tracking and translation`, 'tracking', one, tracking),
      ),
      compare(`${title}, tracking`, 'itself', again, tracking),
    ]
  })
}

const TITLES: Readonly<Record<Protocol, string>> = { tcp: 'New connections', udp: 'First packet' }

type Compare = (title: string, against: string, ours: Entrant, baseline: Entrant) => Figure

/** Connections are told by the second, since that is how they are asked for; first packets by what one takes. */
function comparisonOf(protocol: Protocol): Compare {
  const told = (rounds: readonly Samples[]): readonly Samples[] =>
    protocol === 'udp' ? rounds : rounds.map((samples) => samples.map((ns) => 1e9 / ns))
  return (title, against, ours, baseline) =>
    figureOf({
      figure: `${title}, against ${against}`,
      unit: protocol === 'udp' ? 'ns' : '/s',
      share: 0.5,
      ours: told(ours.taken[protocol]),
      baseline: told(baseline.taken[protocol]),
      goal: GOALS[title],
    })
}
