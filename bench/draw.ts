/**
 * Draws the plots of the results that there are anew, without measuring, for who changes how a plot looks:
 *
 *     node bench/draw.ts
 */
import { join } from 'node:path'
import { readResults } from './harness/read-results.ts'
import { writePlots } from './plots/write-plots.ts'

const ROOT = join(import.meta.dirname, '..')
writePlots(join(ROOT, 'docs', 'plots'), readResults(join(ROOT, 'bench', 'results')))
