import type { Distribution } from './context.ts'

/** In order, and only the digits that count: what is drawn and written is the same. */
export function compact({ name, unit, samples }: Distribution): Distribution {
  const sorted = samples.toSorted((a, b) => a - b)
  return { name, unit, samples: sorted.map((sample) => Number(sample.toPrecision(3))) }
}
