import type { Cni } from './cni.ts'
import { SLUICE_TOKEN, SLUICE_USER } from './control-plane.ts'
import { kubeconfig } from './kubeconfig.ts'
import type { Machine } from './machine.ts'
import type { NodeName } from './plan.ts'
import { until } from './until.ts'

/** Sluice, its agent a process beside kubelet on each node. */
export const sluice: Cni = {
  name: 'sluice',
  install: async (cluster) => {
    await cluster.kubectl(['apply', '-f', '-'], JSON.stringify(ACCESS))
    for (const [name, machine] of cluster.nodes) {
      await machine.write(KUBECONFIG, kubeconfig(SLUICE_TOKEN))
      // containerd runs the reference plugin `loopback` for every pod, whatever network it has.
      await machine.run(['cp', '/usr/lib/cni/loopback', SHIM, '/opt/cni/bin/'])
      startAgent(name, machine)
    }
  },
}

export const AGENT_SERVICE = 'sluice-agent'

/** It writes the network configuration that kubelet waits for when it is ready. */
export function startAgent(name: NodeName, machine: Machine): void {
  machine.startService(AGENT_SERVICE, [
    NODE_PROGRAM,
    '--enable-source-maps',
    '/opt/sluice/dist/main.js',
    'agent',
    `--node=${name}`,
    `--kubeconfig=${KUBECONFIG}`,
    '--cni-config=/etc/cni/net.d/10-sluice.conflist',
    `--http-port=${HTTP_PORT}`,
  ])
}

/** The Node that the checkout brings, on the cluster's machines. */
export const NODE_PROGRAM = '/opt/sluice/node_modules/.bin/node'

const HTTP_PORT = 9464
const SHIM = '/opt/sluice/native/build/sluice-cni'
const KUBECONFIG = '/etc/kubernetes/sluice.conf'

const ROLE = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'sluice-agent' }

/** What the agent may see, as in deploy/. */
const ACCESS = {
  apiVersion: 'v1',
  kind: 'List',
  items: [
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: { name: ROLE.name },
      rules: [
        {
          apiGroups: [''],
          resources: ['pods', 'namespaces', 'nodes'],
          verbs: ['get', 'list', 'watch'],
        },
        {
          apiGroups: ['networking.k8s.io'],
          resources: ['networkpolicies'],
          verbs: ['get', 'list', 'watch'],
        },
      ],
    },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name: ROLE.name },
      roleRef: ROLE,
      subjects: [{ apiGroup: ROLE.apiGroup, kind: 'User', name: SLUICE_USER }],
    },
  ],
}

/** Once what it knows is in force. */
export async function untilAgentReady(machine: Machine): Promise<void> {
  const ask = ['busybox', 'wget', '-q', '-O-', `http://127.0.0.1:${HTTP_PORT}/readyz`]
  await until(`the agent of ${machine.name} is ready`, 30_000, async () => {
    return (await machine.attempt(ask)).code === 0
  })
}
