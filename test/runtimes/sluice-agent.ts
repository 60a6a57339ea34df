import { join } from 'node:path'
import type { Machine } from '../real-cluster/machine.ts'
import { until } from '../real-cluster/until.ts'
import { CHECKOUT } from './start-machine.ts'

const PATIENCE_MS = 20_000
const MANIFESTS = '/etc/sluice'

/** Gives the machine the manifests, as Kubernetes objects, and an agent that enforces them. */
export async function installAgent(machine: Machine, manifests: readonly object[]): Promise<void> {
  const list = { apiVersion: 'v1', kind: 'List', items: manifests }
  await machine.write(join(MANIFESTS, 'manifests.json'), JSON.stringify(list))
  await machine.run(['ip', 'address', 'add', NODE_ADDRESS, 'dev', 'lo'])
  await startAgent(machine)
}

/** Resolves when its policies are in force: only then it writes the network configuration. */
export async function startAgent(machine: Machine): Promise<void> {
  await machine.run(['rm', '-f', OWN_CONFIGURATION])
  machine.startService('agent', [
    join(CHECKOUT, 'bin/sluice'),
    'agent',
    '--node=machine',
    `--manifests=${MANIFESTS}`,
    `--node-address=${NODE_ADDRESS}`,
    ...POD_RANGES.map((range) => `--pod-cidr=${range}`),
    `--cni-config=${OWN_CONFIGURATION}`,
  ])
  await until('the agent is ready', PATIENCE_MS, async () => {
    if (!machine.isRunning('agent')) throw new Error(`It ended; see ${machine.logOf('agent')}.`)
    return (await machine.attempt(['test', '-e', OWN_CONFIGURATION])).code === 0
  })
}

const NODE_ADDRESS = '192.0.2.1'
export const POD_RANGES = ['10.244.0.0/24', 'fd00:10:244::/64']

/** Beside the directory that runtimes read: the tests give those configurations of their own. */
const OWN_CONFIGURATION = '/etc/cni/written-by-the-agent.conflist'
