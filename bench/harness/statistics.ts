/** A median and the spread around it, in the unit of the samples. */
export interface Summary {
  readonly median: number
  readonly p95: number
  readonly samples: number
}

/** @throws RangeError for no samples. */
export function summarize(samples: readonly number[]): Summary {
  const sorted = samples.toSorted((a, b) => a - b)
  return { median: quantileOf(sorted, 0.5), p95: quantileOf(sorted, 0.95), samples: sorted.length }
}

/**
 * The sample below which this share of all samples lies; 0.5 is the median.
 *
 * @throws RangeError for no samples.
 */
export function quantile(samples: readonly number[], share: number): number {
  return quantileOf(
    samples.toSorted((a, b) => a - b),
    share,
  )
}

/** @throws RangeError for no samples. */
export function mean(samples: readonly number[]): number {
  if (samples.length === 0) throw new RangeError(NONE)
  return samples.reduce((sum, one) => sum + one, 0) / samples.length
}

function quantileOf(sorted: readonly number[], share: number): number {
  const value = sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]
  if (value === undefined) throw new RangeError(NONE)
  return value
}

const NONE = 'There are no samples: measure at least once.'
