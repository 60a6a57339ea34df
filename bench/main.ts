/**
 * Measures Sluice on this machine, each figure beside its baseline in the same run. As root, after `make build`,
 * with Debian's containernetworking-plugins; in network namespaces of its own:
 *
 *     node bench/main.ts [--quick]
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { cniFigures } from './figures/cni.ts'
import { connectionFigures } from './figures/connections.ts'
import { programmingFigures } from './figures/programming.ts'
import { revocationFigures } from './figures/revocation.ts'
import { startRaceFigures } from './figures/start-race.ts'
import { startFigures } from './figures/start.ts'
import { throughputFigures } from './figures/throughput.ts'
import type { BenchContext } from './harness/context.ts'
import type { Figure } from './harness/figure.ts'
import { machineLine } from './harness/machine.ts'
import { NoiseWatch } from './harness/noise.ts'
import { renewPage } from './harness/page.ts'
import { Progress } from './harness/progress.ts'
import { textTable } from './harness/table.ts'

/** In the order in which they are measured and told. */
const GROUPS: readonly ((context: BenchContext) => Promise<Figure[]>)[] = [
  cniFigures,
  connectionFigures,
  startFigures,
  revocationFigures,
  startRaceFigures,
  throughputFigures,
  programmingFigures,
]

const ROOT = join(import.meta.dirname, '..')
/** In memory, which /run is not everywhere, and short: paths of sockets have at most 107 bytes. */
const SCRATCH = '/dev/shm/sluice-bench-'

const { values } = parseArgs({ options: { quick: { type: 'boolean', default: false } } })
const scratch = mkdtempSync(SCRATCH)
const progress = new Progress(process.stderr)
const noise = new NoiseWatch()
// A first Ctrl-C ends the run in order, so that its namespaces go; a second one ends it at once.
const interrupted = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => interrupted.abort(new Error(`The benchmark was ended by ${signal}.`)))
}
try {
  const context: BenchContext = {
    mode: values.quick ? 'quick' : 'full',
    scratch,
    say: (what) => progress.say(what),
    signal: interrupted.signal,
    noise,
  }
  const figures: Figure[] = []
  for (const group of GROUPS) figures.push(...(await group(context)))
  progress.end()
  const { quiet, verdict } = noise.judge()
  const results = { machine: machineLine(), mode: context.mode, quiet, noise: verdict, figures }
  mkdirSync(join(ROOT, 'bench', 'results'), { recursive: true })
  writeFileSync(
    join(ROOT, 'bench', 'results', 'latest.json'),
    `${JSON.stringify(results, null, 2)}\n`,
  )
  renewPage(join(ROOT, 'docs', 'performance.md'), results)
  process.stdout.write(`${results.machine}\n${verdict}\n\n${textTable(figures)}`)
} finally {
  rmSync(scratch, { recursive: true, force: true })
}
