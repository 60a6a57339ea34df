import { join } from 'node:path'
import type { Machine } from '../real-cluster/machine.ts'
import { until } from '../real-cluster/until.ts'
import { CHECKOUT } from './start-machine.ts'

const PATIENCE_MS = 20_000
const MANIFESTS = '/etc/sluice'

/** Gives the machine the manifests, as Kubernetes objects, and an agent that enforces them. */
export async function installAgent(
  machine: Machine,
  manifests: readonly object[],
  flags: readonly string[] = [],
): Promise<void> {
  const list = { apiVersion: 'v1', kind: 'List', items: manifests }
  await machine.write(join(MANIFESTS, 'manifests.json'), JSON.stringify(list))
  await machine.run(['ip', 'address', 'add', NODE_ADDRESS, 'dev', 'lo'])
  await startAgent(machine, flags)
}

/** Resolves when an ADD could succeed. */
export async function startAgent(machine: Machine, flags: readonly string[] = []): Promise<void> {
  machine.startService('agent', [
    join(CHECKOUT, 'bin/sluice'),
    'agent',
    '--node=machine',
    `--manifests=${MANIFESTS}`,
    `--node-address=${NODE_ADDRESS}`,
    ...POD_RANGES.map((range) => `--pod-cidr=${range}`),
    ...flags,
  ])
  await until('the agent is ready', PATIENCE_MS, async () => {
    if (!machine.isRunning('agent')) throw new Error(`It ended; see ${machine.logOf('agent')}.`)
    return (await machine.attempt(STATUS, { input: STATUS_INPUT })).code === 0
  })
}

const NODE_ADDRESS = '192.0.2.1'
export const POD_RANGES = ['10.244.0.0/24', 'fd00:10:244::/64']

const STATUS = ['env', 'CNI_COMMAND=STATUS', 'CNI_PATH=/opt/cni/bin', '/opt/cni/bin/sluice-cni']
const STATUS_INPUT = JSON.stringify({ cniVersion: '1.1.0', name: 'sluice' })
