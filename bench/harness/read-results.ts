import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as v from 'valibot'
import type { PlotData } from '../plots/plot-data.ts'

/** Reads what a run has written. @throws when it is not there, or not of its shape */
export function readResults(directory: string): PlotData {
  const read = (name: string): unknown => JSON.parse(readFileSync(join(directory, name), 'utf8'))
  return {
    figures: v.parse(latest, read('latest.json')).figures,
    distributions: v.parse(distributions, read('distributions.json')),
  }
}

const latest = v.object({
  figures: v.array(
    v.object({
      figure: v.string(),
      value: v.number(),
      unit: v.string(),
      baseline: v.nullable(v.number()),
      ratio: v.nullable(v.number()),
      goal: v.nullable(v.string()),
      met: v.nullable(v.boolean()),
      spread: v.number(),
    }),
  ),
})

const distributions = v.array(
  v.object({ name: v.string(), unit: v.string(), samples: v.array(v.number()) }),
)
