import type { Machine } from './machine.ts'
import { CA_FILE, kubeconfig } from './kubeconfig.ts'
import {
  API_SERVICE_ADDRESS,
  CONTROL_PLANE_ADDRESS,
  NODES,
  POD_CIDR,
  SERVICE_CIDR,
} from './plan.ts'
import { until } from './until.ts'

export const ADMIN_CONFIG = '/etc/kubernetes/admin.conf'

export const PROXY_TOKEN = 'proxy-token'

/** Token, user and groups of everyone who asks the API server. They are no secrets: the cluster is alone. */
const USERS = [
  ['admin-token', 'admin', 'system:masters'],
  [PROXY_TOKEN, 'system:kube-proxy', ''],
  ...NODES.map((name) => [nodeToken(name), `system:node:${name}`, 'system:nodes']),
] as const

export function nodeToken(node: string): string {
  return `${node}-token`
}

/** Starts etcd, the API server, the controller manager and the scheduler; resolves when the API is ready. */
export async function startControlPlane(machine: Machine): Promise<void> {
  await makeKeys(machine)
  const users = USERS.map(([token, user, groups]) => `${token},${user},${user},"${groups}"\n`)
  await machine.write('/etc/kubernetes/tokens.csv', users.join(''))
  await machine.write(ADMIN_CONFIG, kubeconfig('admin-token'))
  machine.startService('etcd', ['etcd', ...ETCD])
  startApiServer(machine)
  await untilApiReady(machine)
  machine.startService('kube-controller-manager', ['kube-controller-manager', ...CONTROLLERS])
  machine.startService('kube-scheduler', [
    'kube-scheduler',
    `--kubeconfig=${ADMIN_CONFIG}`,
    '--leader-elect=false',
  ])
}

export function startApiServer(machine: Machine): void {
  machine.startService('kube-apiserver', ['kube-apiserver', ...API])
}

export async function untilApiReady(machine: Machine): Promise<void> {
  const ask = ['kubectl', `--kubeconfig=${ADMIN_CONFIG}`, 'get', '--raw=/readyz']
  await until('the API server is ready', 60_000, async () => {
    if (!machine.isRunning('kube-apiserver')) {
      throw new Error(`The API server has ended; see ${machine.logOf('kube-apiserver')}.`)
    }
    return (await machine.attempt(ask)).code === 0
  })
}

/** An authority with one certificate, the API server's, and the key that service account tokens are signed by. */
async function makeKeys(machine: Machine): Promise<void> {
  const names = [
    'DNS:kubernetes.default.svc',
    'DNS:localhost',
    'IP:127.0.0.1',
    `IP:${CONTROL_PLANE_ADDRESS}`,
    `IP:${API_SERVICE_ADDRESS}`,
  ]
  await machine.write('/etc/kubernetes/names', `subjectAltName=${names.join(',')}\n`)
  const key = 'openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30'
  const script = `set -e
cd /etc/kubernetes
${key} -x509 -subj /CN=ca -keyout ca.key -out ca.crt
${key} -subj /CN=kube-apiserver -keyout api.key -out api.csr
openssl x509 -req -in api.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 30 -extfile names -out api.crt
openssl genrsa -out accounts.key 2048`
  await machine.run(['sh', '-c', script])
}

const ETCD = [
  '--data-dir=/var/lib/etcd',
  // What it keeps is thrown away with the machine.
  '--unsafe-no-fsync',
]

const API = [
  '--etcd-servers=http://127.0.0.1:2379',
  `--advertise-address=${CONTROL_PLANE_ADDRESS}`,
  `--service-cluster-ip-range=${SERVICE_CIDR}`,
  '--tls-cert-file=/etc/kubernetes/api.crt',
  '--tls-private-key-file=/etc/kubernetes/api.key',
  '--token-auth-file=/etc/kubernetes/tokens.csv',
  '--authorization-mode=Node,RBAC',
  '--service-account-issuer=https://kubernetes.default.svc',
  '--service-account-key-file=/etc/kubernetes/accounts.key',
  '--service-account-signing-key-file=/etc/kubernetes/accounts.key',
  '--kubelet-preferred-address-types=InternalIP',
  '--allow-privileged=true',
]

const CONTROLLERS = [
  `--kubeconfig=${ADMIN_CONFIG}`,
  '--leader-elect=false',
  '--allocate-node-cidrs',
  `--cluster-cidr=${POD_CIDR}`,
  `--service-cluster-ip-range=${SERVICE_CIDR}`,
  '--service-account-private-key-file=/etc/kubernetes/accounts.key',
  `--root-ca-file=${CA_FILE}`,
  '--kube-api-qps=100',
  '--kube-api-burst=200',
]
