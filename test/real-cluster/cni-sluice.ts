import type { Cluster } from './cluster.ts'
import type { Cni } from './cni.ts'
import { SLUICE_TOKEN, SLUICE_USER } from './control-plane.ts'
import { kubeconfig } from './kubeconfig.ts'
import type { Machine } from './machine.ts'
import { NODE_ADDRESSES, type NodeName } from './plan.ts'
import { podCidrOf } from './pod-cidr.ts'

/** Sluice, its agent a process beside kubelet on each node. */
export const sluice: Cni = {
  name: 'sluice',
  install: async (cluster) => {
    await cluster.kubectl(['apply', '-f', '-'], JSON.stringify(ACCESS))
    for (const [name, machine] of cluster.nodes) {
      await addRoutes(cluster, name, machine)
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
    '--http-port=9464',
  ])
}

/** The Node that the checkout brings, on the cluster's machines. */
export const NODE_PROGRAM = '/opt/sluice/node_modules/.bin/node'

const SHIM = '/opt/sluice/native/build/sluice-cni'
const KUBECONFIG = '/etc/kubernetes/sluice.conf'

async function addRoutes(cluster: Cluster, name: NodeName, machine: Machine): Promise<void> {
  for (const other of cluster.nodes.keys()) {
    if (other === name) continue
    const cidr = await podCidrOf(cluster, other)
    await machine.run(['ip', 'route', 'replace', cidr, 'via', NODE_ADDRESSES[other]])
  }
}

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
