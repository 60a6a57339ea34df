import { readFile } from 'node:fs/promises'
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { Family } from '../policy/address.ts'
import { addressPlan, NODE_RANGES, POD_RANGES } from '../lab/address-plan.ts'
import { answerForKept } from '../lab/kept-services.ts'
import type { Lab } from '../lab/lab.ts'
import { readLabManifests } from '../lab/lab-manifests.ts'
import { LAB_ROOTS } from '../lab/lab-paths.ts'
import { removeLabs } from '../lab/leftovers.ts'
import { everyProbe } from '../lab/plan-probes.ts'
import type { Probe } from '../lab/probe.ts'
import { readProbes } from '../lab/read-probes.ts'
import { reportJson } from '../lab/report.ts'
import { CommandError } from './command-error.ts'
import { asCommand, withLab } from './lab-session.ts'
import { requireNoErrors, tellProblems } from './manifest-problems.ts'
import { probeReport } from './probe-report.ts'
import { becomeRoot } from './rootless/become-root.ts'
import { inEachRoom } from './rootless/in-each-room.ts'
import type { Terminal } from './terminal.ts'

interface RunOptions {
  readonly manifests: string
  readonly nodes: number
  readonly probes?: string
  readonly json?: boolean
  readonly keep?: boolean
  readonly families: keyof typeof FAMILIES
  readonly nodeRange: readonly string[]
  readonly podRange: readonly string[]
}

const FAMILIES = { '4': [4], '6': [6], '46': [4, 6] } as const satisfies Record<string, Family[]>

/** `sluice lab`: a cluster of network namespaces on this machine. */
export function define(command: Command, terminal: Terminal): void {
  command
    .command('run')
    .summary('enforce manifests in the kernel of this machine, and probe who reaches whom')
    .requiredOption('--manifests <dir>', 'directory of Kubernetes YAML')
    .option('--nodes <n>', 'how many nodes', parseNodeCount, 2)
    .option('--probes <file>', 'JSON array of {from, to, port, protocol} instead of all pairs')
    .option('--json', 'print one JSON object instead of a table')
    .option('--keep', 'leave it running, until `sluice lab down`')
    .addOption(
      new Option('--families <which>', 'IPv4, IPv6 or both')
        .choices(Object.keys(FAMILIES))
        .default('46'),
    )
    .option('--node-range <cidr...>', 'addresses of nodes, a range a family', [...NODE_RANGES])
    .option('--pod-range <cidr...>', 'addresses of pods, divided among the nodes', [...POD_RANGES])
    .action((options: RunOptions) => run(options, terminal))
  command
    .command('down')
    .summary('remove labs that were kept or left behind')
    .action(() => down(terminal))
  // How a kept lab goes on answering; nobody types it.
  command
    .command('answer', { hidden: true })
    .requiredOption('--run-dir <dir>')
    .action(({ runDir }: { runDir: string }) => asCommand(answerForKept(runDir)))
}

function parseNodeCount(text: string): number {
  const count = /^\d+$/u.test(text) ? Number(text) : 0
  if (count >= 1 && count <= MAX_NODES) return count
  throw new InvalidArgumentError(`It must be a number from 1 to ${MAX_NODES}.`)
}

/** Each is a process; and the default node range has no room for many more. */
const MAX_NODES = 200

async function run(options: RunOptions, terminal: Terminal): Promise<void> {
  await becomeRoot()
  await becomeRoot()
  const { manifests, nodes } = await asCommand(readLabManifests(options.manifests, options.nodes))
  tellProblems(manifests, terminal)
  const probes = options.probes && (await asCommand(probesFrom(options.probes)))
  const plan = await asCommand(planOf(options))
  let mismatches = 0
  await withLab({ nodes, plan }, terminal, async (lab) => {
    await lab.start()
    await lab.apply(manifests)
    mismatches = await probe(lab, probes || everyProbe(lab.pods), options, terminal)
    return options.keep ? 'keep' : 'remove'
  })
  if (mismatches > 0) throw new CommandError(`${mismatches} probes did not find what they should.`)
  requireNoErrors(manifests, options.manifests)
}

async function probesFrom(file: string): Promise<Probe[]> {
  return readProbes(await readFile(file, 'utf8'), file)
}

async function planOf({ families, nodeRange, podRange }: RunOptions) {
  return addressPlan(FAMILIES[families], nodeRange, podRange)
}

/** Returns how many probes found something else than they should. */
async function probe(
  lab: Lab,
  probes: readonly Probe[],
  options: RunOptions,
  terminal: Terminal,
): Promise<number> {
  if (probes.length === 0)
    terminal.err('No pod declares a containerPort: there is nothing to probe.\n')
  const { results, repeated } = await lab.probe(probes)
  if (repeated > 0) terminal.err(`${repeated} probes were sent twice.\n`)
  terminal.out(options.json ? reportJson(lab.pods, results) : probeReport(results, terminal))
  return results.filter(({ agreed }) => !agreed).length
}

async function down(terminal: Terminal): Promise<void> {
  if (process.geteuid?.() !== 0 && (await inEachRoom(['lab', 'down'])) > 0) return
  const removed = await asCommand(removeLabs(LAB_ROOTS, ['kept', 'abandoned']))
  terminal.err(
    removed.length === 0 ? 'There is no lab to remove.\n' : `Removed ${removed.join(', ')}.\n`,
  )
}
