import { spawnSync } from 'node:child_process'
import { basename, join } from 'node:path'
import * as v from 'valibot'
import type { LabNode } from '../../src/lab/lab-node.ts'
import type { Sandbox } from '../../src/lab/shim.ts'
import { type Address, formatCidr, parseAddress } from '../../src/policy/address.ts'

/** A network configuration as an administrator writes it. */
export interface PluginList {
  readonly cniVersion: string
  readonly name: string
  readonly plugins: readonly { readonly type: string; readonly [field: string]: unknown }[]
}

/** Debian's package containernetworking-plugins. */
const REFERENCE_PLUGINS = '/usr/lib/cni'
const SHIM = join(import.meta.dirname, '../../native/build/sluice-cni')

/** The addresses that Debian's host-local gives pods of a node, of every family, kept in its run directory. */
export function hostLocal({ runDir, addresses }: LabNode): object {
  return {
    type: 'host-local',
    dataDir: join(runDir, 'host-local'),
    ranges: addresses.podCidrs.map((cidr) => [{ subnet: formatCidr(cidr) }]),
    routes: [{ dst: '0.0.0.0/0' }, { dst: '::/0' }],
  }
}

/** ADD of every plugin in order, each with the result of the one before. Throws with the first error. */
export function addThrough(list: PluginList, node: LabNode, sandbox: Sandbox): unknown {
  let prevResult: unknown
  for (const plugin of list.plugins) {
    const { name, cniVersion } = list
    prevResult = JSON.parse(call('ADD', { ...plugin, name, cniVersion, prevResult }, node, sandbox))
  }
  return prevResult
}

/** DEL of every plugin in reverse order, as a runtime does that kept nothing of ADD. */
export function delThrough(list: PluginList, node: LabNode, sandbox: Sandbox): void {
  const { name, cniVersion } = list
  for (const plugin of list.plugins.toReversed()) {
    call('DEL', { ...plugin, name, cniVersion }, node, sandbox)
  }
}

/** The addresses of a result of ADD. */
export function addressesIn(result: unknown): Address[] {
  const { ips } = v.parse(v.object({ ips: v.array(v.object({ address: v.string() })) }), result)
  return ips.flatMap(({ address }) => parseAddress(address.split('/')[0] ?? '') ?? [])
}

/**
 * One plugin, in the network namespace of the node, as kubelet's container runtime runs it there.
 *
 * @param shim what runs for sluice-cni
 */
export function call(
  command: string,
  configuration: PluginList['plugins'][number],
  node: LabNode,
  sandbox: Sandbox,
  shim = SHIM,
): string {
  const { type } = configuration
  const program = type === 'sluice-cni' ? shim : join(REFERENCE_PLUGINS, type)
  const { containerId, netns, namespace, name, uid } = sandbox
  const { status, stdout, stderr } = spawnSync(
    'ip',
    ['netns', 'exec', basename(node.netns), program],
    {
      input: JSON.stringify(configuration),
      encoding: 'utf8',
      env: {
        PATH: process.env['PATH'],
        CNI_COMMAND: command,
        CNI_CONTAINERID: containerId,
        CNI_NETNS: netns,
        CNI_IFNAME: 'eth0',
        CNI_ARGS: `IgnoreUnknown=1;K8S_POD_NAMESPACE=${namespace};K8S_POD_NAME=${name};K8S_POD_UID=${uid}`,
        CNI_PATH: REFERENCE_PLUGINS,
        SLUICE_CNI_SOCKET: join(node.runDir, 'cni.sock'),
        SLUICE_CNI_DELETE_DIR: join(node.runDir, 'del'),
      },
    },
  )
  if (status === 0) return stdout
  throw new Error(`${type} ${command} of ${name} failed: ${stdout}${stderr}`)
}
