import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
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
  const lines = distributions.map((one) => JSON.stringify(one))
  writeFileSync(join(directory, 'distributions.json'), `[\n${lines.join(',\n')}\n]\n`)
}
