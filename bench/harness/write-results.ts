import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Distribution } from './context.ts'
import type { Results } from './results.ts'

/**
 * Writes `latest.json`, and `distributions.json` with the samples that are drawn.
 *
 * @param directory made where it is missing
 */
export function writeResults(
  directory: string,
  { machine, sections, distributions }: Results,
): void {
  mkdirSync(directory, { recursive: true })
  const figures = sections.flatMap((section) => section.figures)
  const latest = JSON.stringify({ machine, figures }, null, 2)
  writeFileSync(join(directory, 'latest.json'), `${latest}\n`)
  const lines = distributions.map((one) => JSON.stringify(compact(one)))
  writeFileSync(join(directory, 'distributions.json'), `[\n${lines.join(',\n')}\n]\n`)
}

/** In order, and only the digits that count. */
function compact({ name, unit, samples }: Distribution): Distribution {
  const sorted = samples.toSorted((a, b) => a - b)
  return { name, unit, samples: sorted.map((sample) => Number(sample.toPrecision(3))) }
}
