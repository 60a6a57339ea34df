import type { Command } from 'commander'
import { clusterOfManifests } from '../cluster/manifests.ts'
import type { Cluster } from '../policy/cluster.ts'
import { evaluate } from '../policy/evaluate.ts'
import type { Endpoint, Flow } from '../policy/flow.ts'
import { CommandError } from './command-error.ts'
import { explanationJson, explanationText } from './explanation.ts'
import { parseEndpoint, parsePortAndProtocol } from './flow-arguments.ts'
import { readManifestDirectory, requireNoErrors, tellProblems } from './manifest-problems.ts'
import type { Terminal } from './terminal.ts'
import { unknownPod } from './unknown-pod.ts'

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
  const manifests = await readManifestDirectory(options.manifests)
  tellProblems(manifests, terminal)
  const cluster = clusterOfManifests(manifests)
  requirePod(flow.from, cluster)
  requirePod(flow.to, cluster)
  const answer = { flow, verdict: evaluate(cluster, flow), manifests }
  terminal.out(options.json ? explanationJson(answer) : explanationText(answer, terminal))
  requireNoErrors(manifests, options.manifests)
}

function requirePod(end: Endpoint, cluster: Cluster): void {
  if (end.kind === 'address' || cluster.pods.has(end.key)) return
  throw new CommandError(unknownPod(end.key, cluster))
}
