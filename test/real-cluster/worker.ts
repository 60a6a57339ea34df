import { readFile } from 'node:fs/promises'
import { importImage } from './images.ts'
import { CA_FILE, kubeconfig } from './kubeconfig.ts'
import { nodeToken, PROXY_TOKEN } from './control-plane.ts'
import type { Machine } from './machine.ts'
import { NODE_ADDRESSES, type NodeName, PAUSE_IMAGE, POD_CIDR } from './plan.ts'

export interface WorkerParts {
  readonly controlPlane: Machine
  /** Archives on the host. */
  readonly images: readonly string[]
  /** That all pods of the node are in. */
  readonly cgroup: string
}

/** Starts containerd, kubelet and kube-proxy, and gives the node the images. */
export async function startWorker(
  name: NodeName,
  machine: Machine,
  { controlPlane, images, cgroup }: WorkerParts,
): Promise<void> {
  await machine.write(CA_FILE, await readFile(controlPlane.path(CA_FILE), 'utf8'))
  await machine.write('/etc/kubernetes/kubelet.conf', kubeconfig(nodeToken(name)))
  await machine.write('/etc/kubernetes/proxy.conf', kubeconfig(PROXY_TOKEN))
  await machine.write('/etc/containerd/config.toml', CONTAINERD)
  await machine.write('/etc/kubernetes/kubelet.yaml', kubeletConfiguration(cgroup))
  await machine.write('/etc/kubernetes/proxy.yaml', proxyConfiguration(name))
  machine.startService('containerd', ['containerd'])
  for (const image of images) await importImage(machine, image)
  startKubelet(name, machine)
  machine.startService('kube-proxy', ['kube-proxy', '--config=/etc/kubernetes/proxy.yaml'])
}

export function startKubelet(name: NodeName, machine: Machine): void {
  machine.startService('kubelet', [
    'kubelet',
    '--config=/etc/kubernetes/kubelet.yaml',
    '--kubeconfig=/etc/kubernetes/kubelet.conf',
    `--hostname-override=${name}`,
    `--node-ip=${NODE_ADDRESSES[name]}`,
    '--container-runtime=remote',
    `--container-runtime-endpoint=${CONTAINERD_ENDPOINT}`,
  ])
}

const CONTAINERD_ENDPOINT = 'unix:///run/containerd/containerd.sock'

/** Without CAP_SYS_RESOURCE nobody may lower an oom_score_adj, and runc dies of trying. */
const CONTAINERD = `version = 2
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${PAUSE_IMAGE}"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/opt/cni/bin"
    conf_dir = "/etc/cni/net.d"
`

/** Nothing authenticates at the kubelet, nothing is evicted, and API calls are not held back. */
function kubeletConfiguration(cgroup: string): string {
  return `apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication:
  anonymous: {enabled: true}
  webhook: {enabled: false}
authorization: {mode: AlwaysAllow}
cgroupDriver: cgroupfs
cgroupRoot: ${cgroup}
failSwapOn: false
maxPods: 200
oomScoreAdj: 0
kubeAPIQPS: 100
kubeAPIBurst: 200
registryPullQPS: 0
eventRecordQPS: 0
resolvConf: /etc/resolv.conf
nodeStatusUpdateFrequency: 2s
imageGCHighThresholdPercent: 100
evictionHard:
  memory.available: 1Mi
`
}

/** Limits of connection tracking belong to the kernel's first network namespace. */
function proxyConfiguration(node: NodeName): string {
  return `apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
clientConnection: {kubeconfig: /etc/kubernetes/proxy.conf}
hostnameOverride: ${node}
mode: iptables
clusterCIDR: ${POD_CIDR}
oomScoreAdj: 0
conntrack: {maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}
`
}
