import { resolve } from 'node:path'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { startAgent } from '../agent.ts'
import type { AgentOptions, GuardMode } from '../agent/agent-options.ts'
import { createLog } from '../agent/log.ts'
import { favourMainThread } from '../agent/favour-main-thread.ts'
import { optimizeEarly } from '../agent/optimize-early.ts'
import { spareMemory } from '../agent/spare-memory.ts'
import type { OverlayMode } from '../pods/nodes/choose-path.ts'
import { type Address, type Cidr, parseAddress, parseCidr } from '../policy/address.ts'
import { CommandError } from './command-error.ts'

interface Flags {
  readonly node: string
  readonly manifests?: string
  readonly kubernetes?: true
  readonly kubeconfig?: string
  readonly podCidr?: readonly Cidr[]
  readonly nodeAddress?: readonly Address[]
  readonly runDir: string
  readonly netns?: string
  readonly deny: 'drop' | 'reject'
  readonly unknownPods: 'isolate' | 'refuse'
  readonly chained?: true
  readonly localhostHostPorts?: true
  readonly addressCooldown: number
  readonly guard: GuardMode
  readonly auditInterval: number
  readonly logGroup: number
  readonly logAllowed?: number
  readonly mtu?: number
  readonly overlay: OverlayMode
  readonly masquerade: boolean
  readonly masqueradeTo: readonly Cidr[]
  readonly procSys: string
  readonly httpPort?: number
  readonly cniConfig?: string
}

export function define(command: Command): void {
  command
    .requiredOption('--node <name>', 'the name of this node')
    .option('--manifests <directory>', 'follow a directory of Kubernetes YAML')
    .option('--kubernetes', 'follow the Kubernetes API, in a pod with a service account')
    .option('--kubeconfig <file>', 'follow the Kubernetes API, with this access')
    .option('--pod-cidr <cidr>', 'range of this node’s pods, once a family; else of its Node', cidr)
    .option('--node-address <address>', 'of this node, once a family; else of its Node', address)
    .option('--address-cooldown <seconds>', 'rest of a freed address', number(0, 86_400), 60)
    .option('--run-dir <directory>', 'sockets, records, queue; on tmpfs', '/run/sluice')
    .option('--netns <path>', 'network namespace to be the agent of')
    .addOption(
      new Option('--deny <answer>', 'what a denied packet gets')
        .choices(['drop', 'reject'])
        .default('drop'),
    )
    .addOption(
      new Option('--unknown-pods <how>', 'what a pod gets whose labels nobody has told yet')
        .choices(['isolate', 'refuse'])
        .default('isolate'),
    )
    .option('--localhost-host-ports', 'host ports of pods answer on 127.0.0.1 of the node as well')
    .option('--chained', 'only enforce policy, on pods that the CNI plugin before sluice-cni wires')
    .addOption(
      new Option('--guard <how>', 'keeps others from table inet sluice, or puts right what they do')
        .choices(['own', 'watch', 'off'])
        .default('own'),
    )
    .option('--audit-interval <seconds>', 'between looks at all of it', number(1, 86_400), 300)
    .option('--log-group <number>', 'NFLOG group of denied packets', number(0, 65535), 100)
    .option(
      '--log-allowed <number>',
      'log one in so many allowed connections as well',
      number(1, 1_000_000),
    )
    .addOption(
      new Option('--overlay <when>', 'VXLAN to nodes that share no link with this one, or to all')
        .choices(['auto', 'always', 'never'])
        .default('auto'),
    )
    .option('--mtu <bytes>', 'of pod links; else what suits the node’s links', number(1280, 65535))
    .option('--no-masquerade', 'pods’ packets leave the cluster with the pods’ addresses')
    .option('--no-masquerade-to <cidr>', 'those to this range do; may be repeated', cidr, [])
    .option('--proc-sys <directory>', 'where /proc/sys can be written', '/proc/sys')
    .option(
      '--http-port <port>',
      'of localhost: /healthz, /readyz, /policies, /metrics',
      number(1, 65535),
    )
    .option('--cni-config <file>', 'written when ready; makes the container runtime call Sluice')
    .action((flags: Flags) => run(flags))
}

/** Runs until SIGTERM or SIGINT; kernel state stays. */
async function run(flags: Flags): Promise<void> {
  const log = createLog(flags.node)
  const agent = await startAgent(optionsOf(flags, log)).catch((error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error)
    throw new CommandError(`The agent of ${flags.node} cannot start: ${reason}`)
  })
  spareMemory()
  optimizeEarly()
  favourMainThread()
  await new Promise<void>((stop) => {
    process.once('SIGTERM', stop)
    process.once('SIGINT', stop)
  })
  log.info({ event: 'agent.stopping' }, 'serving ends; what is in the kernel stays in force')
  await agent.close()
}

function optionsOf(flags: Flags, log: AgentOptions['log']): AgentOptions {
  return {
    node: flags.node,
    source: sourceOf(flags),
    podCidrs: flags.podCidr ?? [],
    nodeAddresses: flags.nodeAddress ?? [],
    runDirectory: resolve(flags.runDir),
    netns: flags.netns,
    deny: flags.deny,
    unknownPods: flags.unknownPods,
    chained: flags.chained === true,
    localhostHostPorts: flags.localhostHostPorts ?? false,
    addressCooldownMs: flags.addressCooldown * 1000,
    guard: flags.guard,
    auditIntervalMs: flags.auditInterval * 1000,
    logGroup: flags.logGroup,
    logAllowed: flags.logAllowed,
    mtu: flags.mtu,
    overlay: flags.overlay,
    masquerade: flags.masquerade,
    unmasqueraded: flags.masqueradeTo,
    procSys: resolve(flags.procSys),
    httpPort: flags.httpPort,
    cniConfig: flags.cniConfig,
    log,
  }
}

function sourceOf({ manifests, kubernetes, kubeconfig }: Flags): AgentOptions['source'] {
  const asked = [manifests, kubernetes, kubeconfig].filter((flag) => flag !== undefined)
  if (asked.length !== 1) {
    throw new CommandError('Name one source: --manifests, --kubernetes or --kubeconfig.')
  }
  if (manifests !== undefined) return { kind: 'manifests', directory: resolve(manifests) }
  return { kind: 'kubernetes', kubeconfig: kubeconfig && resolve(kubeconfig) }
}

function cidr(text: string, before: readonly Cidr[] = []): readonly Cidr[] {
  const read = parseCidr(text)
  if (read === undefined) throw new InvalidArgumentError(`${text} is no range such as 10.1.0.0/24.`)
  return [...before, read.cidr]
}

function address(text: string, before: readonly Address[] = []): readonly Address[] {
  const read = parseAddress(text)
  if (read === undefined) throw new InvalidArgumentError(`${text} is no address.`)
  return [...before, read]
}

function number(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (Number.isInteger(value) && value >= least && value <= most) return value
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`)
  }
}
