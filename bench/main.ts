/**
 * Measures Sluice on this machine, each figure beside its baseline in the same run. As root, after `make build`,
 * with Debian's containernetworking-plugins and iperf3; in network namespaces of its own:
 *
 *     node bench/main.ts [--quick] [--only GROUP]
 *
 * With `--only` (a name of bench/groups.ts) the figures are only printed.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { GROUPS, type Group } from './groups.ts'
import { compact } from './harness/compact.ts'
import type { Distribution, Mode } from './harness/context.ts'
import { machineLine } from './harness/machine.ts'
import { NoiseWatch } from './harness/noise.ts'
import { renewPage } from './harness/page.ts'
import { Progress } from './harness/progress.ts'
import type { Section } from './harness/results.ts'
import { roundsWithin } from './harness/rounds-within.ts'
import { textTable } from './harness/table.ts'
import { writeResults } from './harness/write-results.ts'
import { writePlots } from './plots/write-plots.ts'

const ROOT = join(import.meta.dirname, '..')
/** In memory, which /run is not everywhere, and short: paths of sockets have at most 107 bytes. */
const SCRATCH = '/dev/shm/sluice-bench-'

const { values } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, only: { type: 'string' } },
})
const mode: Mode = values.quick ? 'quick' : 'full'
const groups = GROUPS.filter(({ name }) => values.only === undefined || name === values.only)
if (groups.length === 0) {
  const names = GROUPS.map(({ name }) => name).join(', ')
  throw new Error(`There are no figures named ${values.only}: there are ${names}.`)
}
const scratch = mkdtempSync(SCRATCH)
const progress = new Progress(process.stderr, () => performance.now())
const noise = new NoiseWatch()
const distributions: Distribution[] = []
// A first Ctrl-C ends the run in order, so that its namespaces go; a second one ends it at once.
const interrupted = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => interrupted.abort(new Error(`The benchmark was ended by ${signal}.`)))
}
try {
  const sections: Section[] = []
  for (const group of groups) sections.push(await measure(group))
  const machine = `${machineLine()}; ${mode} mode; ${noise.verdict()}`
  const figures = sections.flatMap((section) => section.figures)
  const results = { machine, sections, distributions }
  if (values.only === undefined) {
    writeResults(join(ROOT, 'bench', 'results'), results)
    writePlots(join(ROOT, 'docs', 'plots'), { figures, distributions })
    renewPage(ROOT, join('docs', 'performance.md'), results)
  }
  process.stdout.write(`${textTable(figures)}\n${machine}.\n`)
} finally {
  rmSync(scratch, { recursive: true, force: true })
}

async function measure({ name, script, measure: figuresOf, seconds }: Group): Promise<Section> {
  const now = (): number => performance.now()
  const startedAtMs = now()
  const figures = await figuresOf({
    mode,
    scratch,
    say: (what) => progress.say(what),
    signal: interrupted.signal,
    noise: { sample: () => noise.sample(name) },
    rounds: (until, atLeast) =>
      roundsWithin(startedAtMs + 1000 * until * seconds[mode], atLeast, now),
    keep: (distribution) => void distributions.push(compact(distribution)),
  })
  const took = Math.round((now() - startedAtMs) / 1000)
  progress.note(`${name}: done in ${took} s of ${seconds[mode]} s`)
  return { name, script, figures }
}
