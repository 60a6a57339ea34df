import { copyFile } from 'node:fs/promises'
import type { Cni } from './cni.ts'
import { ADMIN_CONFIG } from './control-plane.ts'
import type { Machine } from './machine.ts'
import { NODE_ADDRESSES, type NodeName } from './plan.ts'
import { podCidrOf } from './pod-cidr.ts'
import { until } from './until.ts'

/** Sluice, its agent a process beside kubelet on each node. */
export const sluice: Cni = {
  name: 'sluice',
  install: async (cluster) => {
    const cidrs = new Map<NodeName, string>()
    for (const name of cluster.nodes.keys()) cidrs.set(name, await podCidrOf(cluster, name))
    for (const [name, machine] of cluster.nodes) {
      for (const [other, cidr] of cidrs) {
        if (other === name) continue
        await machine.run(['ip', 'route', 'add', cidr, 'via', NODE_ADDRESSES[other]])
      }
      const config = cluster.controlPlane.path(ADMIN_CONFIG)
      await copyFile(config, machine.path('/etc/kubernetes/admin.conf'))
      await startFeed(machine)
      startAgent(name, machine, cidrs.get(name) ?? '')
      await untilAgentReady(machine)
      await installPlugin(machine)
    }
  },
}

async function startFeed(machine: Machine): Promise<void> {
  await machine.run(['mkdir', '-p', '/run/feed/manifests'])
  machine.startService('feed', [
    'sh',
    '-c',
    `while :; do kubectl --kubeconfig=${ADMIN_CONFIG} get namespaces,pods,networkpolicies -A -o yaml >/run/feed/new && { cmp -s /run/feed/new /run/feed/manifests/all.yaml || mv /run/feed/new /run/feed/manifests/all.yaml; }; sleep 0.3; done`,
  ])
}

export function startAgent(name: NodeName, machine: Machine, podCidr: string): void {
  machine.startService('sluice-agent', [
    '/opt/sluice/node_modules/.bin/node',
    '--enable-source-maps',
    '/opt/sluice/dist/main.js',
    'agent',
    `--node=${name}`,
    '--manifests=/run/feed/manifests',
    `--pod-cidr=${podCidr}`,
    `--node-address=${NODE_ADDRESSES[name]}`,
  ])
}

export async function untilAgentReady(machine: Machine): Promise<void> {
  await until(`the agent of ${machine.name} is ready`, 30_000, async () => {
    if (!machine.isRunning('sluice-agent')) {
      throw new Error(`The agent has ended; see ${machine.logOf('sluice-agent')}.`)
    }
    return (await machine.attempt(['test', '-S', '/run/sluice/agent.sock'])).code === 0
  })
}

async function installPlugin(machine: Machine): Promise<void> {
  await machine.run(['cp', '/opt/sluice/native/build/sluice-cni', '/opt/cni/bin/'])
  await machine.run(['sh', '-c', 'cp /usr/lib/cni/loopback /opt/cni/bin/'])
  const network = {
    cniVersion: '0.4.0',
    name: 'sluice',
    plugins: [{ type: 'sluice-cni' }],
  }
  await machine.write('/etc/cni/net.d/10-sluice.conflist', JSON.stringify(network))
}
