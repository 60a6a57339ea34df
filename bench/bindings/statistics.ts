/** A median and the spread around it, in the unit of the samples. */
export interface Summary {
  readonly median: number
  readonly p95: number
  readonly samples: number
}

/** @throws RangeError for no samples. */
export function summarize(samples: readonly number[]): Summary {
  const sorted = samples.toSorted((a, b) => a - b)
  return { median: quantile(sorted, 0.5), p95: quantile(sorted, 0.95), samples: sorted.length }
}

function quantile(sorted: readonly number[], share: number): number {
  const value = sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]
  if (value === undefined) throw new RangeError('There are no samples: measure at least once.')
  return value
}
