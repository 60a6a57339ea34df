import type { Command } from 'commander'
import { clusterOfManifests, type Manifests } from '../cluster/manifests.ts'
import type { Cluster } from '../policy/cluster.ts'
import { CommandError } from './command-error.ts'
import { compareClusters, type PairChange, podsOnlyIn } from './diff/compare.ts'
import { servicesText } from './diff/services.ts'
import { readManifestDirectory, requireNoErrors, tellProblems } from './manifest-problems.ts'
import { type Style, styled, type Terminal } from './terminal.ts'

interface Options {
  readonly before: string
  readonly after: string
  readonly json?: boolean
  readonly exitCode?: boolean
}

/** `sluice diff`: which pairs gain and lose what between two directories of manifests. */
export function define(command: Command, terminal: Terminal): void {
  command
    .requiredOption('--before <dir>', 'directory of Kubernetes YAML as it was')
    .requiredOption('--after <dir>', 'directory of Kubernetes YAML as it will be')
    .option('--json', 'print one JSON object')
    .option('--exit-code', 'fail when there is a difference')
    .action((options: Options) => diff(options, terminal))
}

async function diff(options: Options, terminal: Terminal): Promise<void> {
  const [before, after] = [
    await readManifestDirectory(options.before),
    await readManifestDirectory(options.after),
  ]
  for (const manifests of [before, after]) tellProblems(manifests, terminal)
  const clusters = { before: clusterOfManifests(before), after: clusterOfManifests(after) }
  const changes = compareClusters(clusters.before, clusters.after)
  terminal.out(options.json ? json(changes, clusters) : text(changes, clusters, terminal))
  requireReadable(before, after, options)
  if (options.exitCode === true && changes.length > 0) {
    throw new CommandError(`${options.before} and ${options.after} do not allow the same.`)
  }
}

function requireReadable(before: Manifests, after: Manifests, options: Options): void {
  requireNoErrors(before, options.before)
  requireNoErrors(after, options.after)
}

interface Clusters {
  readonly before: Cluster
  readonly after: Cluster
}

function json(changes: readonly PairChange[], { before, after }: Clusters): string {
  const answer = {
    changes: changes.map(({ services, ...rest }) => ({
      ...rest,
      services: services.map(({ protocol, first, last }) =>
        protocol === 'ICMP' ? { protocol } : { protocol, port: first, endPort: last },
      ),
    })),
    podsOnlyBefore: podsOnlyIn(before, after),
    podsOnlyAfter: podsOnlyIn(after, before),
  }
  return `${JSON.stringify(answer, null, 2)}\n`
}

const STYLES: Readonly<Record<PairChange['after'], readonly [sign: string, Style]>> = {
  allow: ['+', 'green'],
  deny: ['-', 'red'],
  depends: ['?', 'yellow'],
}

function text(
  changes: readonly PairChange[],
  { before, after }: Clusters,
  terminal: Terminal,
): string {
  const pairs = changes.map((change) => {
    const [sign, style] = STYLES[change.after]
    const verdict = `${change.before} becomes ${change.after}`
    const line = `${sign} ${change.from} → ${change.to}  ${servicesText(change.services)}  (${verdict})`
    return styled(terminal, style, line)
  })
  const lines = [
    ...absent(podsOnlyIn(before, after), 'only before'),
    ...absent(podsOnlyIn(after, before), 'only after'),
    ...(pairs.length === 0 ? ['No pair gains or loses anything.'] : pairs),
  ]
  return `${lines.join('\n')}\n`
}

function absent(pods: readonly string[], when: string): string[] {
  return pods.length === 0 ? [] : [`Not compared, there ${when}: ${pods.join(', ')}`]
}
