import { mean, quantile } from './statistics.ts'

/** One line of the results. */
export interface Figure {
  readonly figure: string
  readonly value: number
  readonly unit: string
  /** The same of what it is compared with, in the same run; null where there is no such thing. */
  readonly baseline: number | null
  /** Median over the rounds of value / baseline; null where that is 0. */
  readonly ratio: number | null
  /** In words; null for figures that are only told. */
  readonly goal: string | null
  readonly met: boolean | null
  /** Middle half of the rounds' ratios (of their values, without a baseline), as a share of their median. */
  readonly spread: number
}

/** What is asked of a figure: an upper or lower limit of its value or of its ratio. */
export type Goal = { readonly of: 'value' | 'ratio' } & (
  | { readonly atMost: number }
  | { readonly atLeast: number }
)

export interface Measured {
  readonly figure: string
  readonly unit: string
  /** Which quantile of the samples is meant; 0.5 is the median. A median would hide what is rare. */
  readonly share: number | 'mean'
  /** Samples of each round. */
  readonly ours: readonly Samples[]
  /** As many rounds. */
  readonly baseline?: readonly Samples[]
  readonly goal?: Goal | undefined
}

export type Samples = readonly number[]

/**
 * Value and baseline are statistics of all samples; the ratio is the median of the ratios round by round, since
 * the two sides of one round met the same machine.
 *
 * @throws RangeError without rounds, or with one that has no samples.
 */
export function figureOf({ figure, unit, share, ours, baseline, goal }: Measured): Figure {
  const statistic = (samples: Samples): number =>
    share === 'mean' ? mean(samples) : quantile(samples, share)
  const value = statistic(ours.flat())
  const values = ours.map(statistic)
  const theirs = baseline?.map(statistic)
  const ratios = theirs?.includes(0)
    ? undefined
    : theirs?.map((one, round) => (values[round] ?? Number.NaN) / one)
  const ratio = ratios === undefined ? null : quantile(ratios, 0.5)
  return {
    figure,
    value,
    unit,
    baseline: baseline === undefined ? null : statistic(baseline.flat()),
    ratio,
    goal: goal === undefined ? null : wordsOf(goal, unit),
    met: goal === undefined ? null : isMet(goal, value, ratio),
    spread: spreadOf(ratios ?? values),
  }
}

function wordsOf(goal: Goal, unit: string): string {
  if ('atMost' in goal && goal.of === 'value' && goal.atMost === 0) return `0 ${unit}`
  const limit = 'atMost' in goal ? `≤ ${goal.atMost}` : `≥ ${goal.atLeast}`
  return goal.of === 'ratio' ? `ratio ${limit}` : `${limit} ${unit}`
}

function isMet(goal: Goal, value: number, ratio: number | null): boolean {
  const held = goal.of === 'value' ? value : ratio
  if (held === null) return false
  return 'atMost' in goal ? held <= goal.atMost : held >= goal.atLeast
}

function spreadOf(values: readonly number[]): number {
  const width = quantile(values, 0.75) - quantile(values, 0.25)
  return width === 0 ? 0 : width / quantile(values, 0.5)
}
