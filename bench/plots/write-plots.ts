import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { PlotOptions } from '@observablehq/plot'
import { cniPlot } from './cni.ts'
import { connectionsPlot } from './connections.ts'
import type { PlotData } from './plot-data.ts'
import { programmingPlot } from './programming.ts'
import { revocationPlot } from './revocation.ts'
import { startRacePlot } from './start-race.ts'
import { svgOf } from './svg.ts'
import { throughputPlot } from './throughput.ts'

/** By the names of their files. */
const PLOTS: Readonly<Record<string, (data: PlotData) => PlotOptions>> = {
  cni: cniPlot,
  connections: connectionsPlot,
  programming: programmingPlot,
  revocation: revocationPlot,
  'start-race': startRacePlot,
  throughput: throughputPlot,
}

/**
 * Draws the results, a file for each plot.
 *
 * @param directory made where it is missing
 * @throws Error when there is no figure for one
 */
export function writePlots(directory: string, data: PlotData): void {
  mkdirSync(directory, { recursive: true })
  for (const [name, optionsOf] of Object.entries(PLOTS)) {
    writeFileSync(join(directory, `${name}.svg`), svgOf(optionsOf(data)))
  }
}
