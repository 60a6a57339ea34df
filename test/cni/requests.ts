import type { CniReply, CniRequest } from '../../src/cni/frame.ts'

/** A request for the interface eth0 of container c1, which is pod shop/cart-0. */
export function requestOf(
  command: string,
  changes: Record<string, string> = {},
  config = {},
): CniRequest {
  const environment = {
    CNI_COMMAND: command,
    CNI_CONTAINERID: 'c1',
    CNI_NETNS: '/run/netns/c1',
    CNI_IFNAME: 'eth0',
    CNI_ARGS: 'K8S_POD_NAMESPACE=shop;K8S_POD_NAME=cart-0',
    ...changes,
  }
  const stdin = JSON.stringify({ cniVersion: '1.1.0', name: 'sluice', ...config })
  return { environment: new Map(Object.entries(environment)), stdin }
}

export function bodyOf(reply: CniReply): unknown {
  return JSON.parse(reply.body)
}
