import { manifestText } from '../enforcement/node-objects.ts'
import { BENCH_NAMESPACE, FRIEND, OPEN_PORT, uidOf } from './plugin.ts'

/** Pods of one kind have a policy of their own: what a node with 250 pods has of applications. */
const KINDS = 50

/** The pods as the API server would tell of them before they run, each under policy in both directions. */
export function manifestsOf(pods: readonly string[]): string {
  const objects = [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: BENCH_NAMESPACE } },
    ...Array.from({ length: KINDS }, (_, kind) => policyOf(kind)),
    ...pods.map((name, index) => podOf(name, index % KINDS)),
  ]
  return manifestText(objects)
}

function policyOf(kind: number): object {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: `kind-${kind}`, namespace: BENCH_NAMESPACE },
    spec: {
      podSelector: { matchLabels: { kind: `${kind}` } },
      policyTypes: ['Ingress', 'Egress'],
      ingress: [
        {
          from: [
            { podSelector: { matchLabels: { name: FRIEND } } },
            { podSelector: { matchLabels: { kind: `${(kind + 1) % KINDS}` } } },
          ],
          ports: [{ protocol: 'TCP', port: OPEN_PORT }],
        },
      ],
      egress: [
        { to: [{ podSelector: {} }] },
        { to: [{ ipBlock: { cidr: '192.0.2.0/24', except: [`192.0.2.${kind}/32`] } }] },
      ],
    },
  }
}

function podOf(name: string, kind: number): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: BENCH_NAMESPACE,
      uid: uidOf(name),
      labels: { name, kind: `${kind}` },
    },
    spec: {
      nodeName: 'bench',
      containers: [{ name: 'main', image: 'main', ports: [{ containerPort: OPEN_PORT }] }],
    },
  }
}
