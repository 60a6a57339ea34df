import * as fs from 'node:fs/promises'
import type { Command } from 'commander'
import { readManifestFiles } from '../cluster/files.ts'
import { type Manifests, clusterOfManifests, readManifests } from '../cluster/manifests.ts'
import type { Cluster } from '../policy/cluster.ts'
import { evaluate } from '../policy/evaluate.ts'
import type { Endpoint, Flow } from '../policy/flow.ts'
import { nearest } from '../policy/parse/nearest.ts'
import { CommandError } from './command-error.ts'
import { explanationJson, explanationText } from './explanation.ts'
import { parseEndpoint, parsePortAndProtocol } from './flow-arguments.ts'
import { requireNoErrors, tellProblems } from './manifest-problems.ts'
import type { Terminal } from './terminal.ts'

interface Options {
  readonly manifests: string
  readonly json?: boolean
}

/**
 * `sluice explain`: answers from files alone. Exit code 0 whatever the answer, but 1 when something in the files
 * was refused: the answer then takes that into account.
 */
export function define(command: Command, terminal: Terminal): void {
  command
    .argument('<from>', 'where the connection comes from: ns/pod or an IP address', parseEndpoint)
    .argument('<to>', 'where it goes to: ns/pod or an IP address', parseEndpoint)
    .argument('<port>', 'PORT (TCP), PORT/UDP, PORT/SCTP, or icmp', parsePortAndProtocol)
    .requiredOption('--manifests <dir>', 'directory of Kubernetes YAML')
    .option('--json', 'print one JSON object')
    .action(
      (from: Endpoint, to: Endpoint, port: Pick<Flow, 'protocol' | 'port'>, options: Options) =>
        explain({ from, to, ...port }, options, terminal),
    )
}

async function explain(flow: Flow, options: Options, terminal: Terminal): Promise<void> {
  const manifests = await read(options.manifests)
  tellProblems(manifests, terminal)
  const cluster = clusterOfManifests(manifests)
  requirePod(flow.from, cluster, options.manifests)
  requirePod(flow.to, cluster, options.manifests)
  const answer = { flow, verdict: evaluate(cluster, flow), manifests }
  terminal.out(options.json ? explanationJson(answer) : explanationText(answer, terminal))
  requireNoErrors(manifests, options.manifests)
}

async function read(directory: string): Promise<Manifests> {
  try {
    return readManifests(await readManifestFiles(directory, fs), { nodes: [] })
  } catch (error) {
    throw new CommandError(error instanceof Error ? error.message : String(error))
  }
}

function requirePod(end: Endpoint, cluster: Cluster, directory: string): void {
  if (end.kind === 'address' || cluster.pods.has(end.key)) return
  const keys = [...cluster.pods.keys()]
  const meant = nearest(end.key, keys) ?? keys.find((key) => key.startsWith(end.key))
  const remedy = meant === undefined ? 'Name one that it declares.' : `Did you mean ${meant}?`
  throw new CommandError(`${directory} has no pod ${end.key}. ${remedy}`)
}
