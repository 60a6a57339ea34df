import { type Address, formatAddress, ip4, ip6 } from '../../src/policy/address.ts'

/** The node of `EnforcingNode`. */
export const BENCH_NODE = 'bench'

/** Of which its pods have their addresses. */
export const POD_RANGES = ['10.94.0.0/16', 'fd00:10:94::/64'] as const

const FIRST_ADDRESS4 = 0x0a5e0000
const FIRST_ADDRESS6 = 0xfd00_0010_0094_0000n << 64n

/** The addresses of a pod by its number, from 1. */
export function addressesOf(number: number): Address[] {
  return [ip4(FIRST_ADDRESS4 + number), ip6(FIRST_ADDRESS6 + BigInt(number))]
}

export function uidOf(name: string): string {
  return `uid-of-${name}`
}

/** Manifests of these objects. */
export function manifestText(objects: readonly object[]): string {
  return objects.map((object) => `---\n${JSON.stringify(object)}\n`).join('')
}

/** A pod of this node, as the source tells of it. */
export function podObject(name: string, app: string, addresses: readonly Address[] = []): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'bench', uid: uidOf(name), labels: { app } },
    spec: { nodeName: BENCH_NODE, containers: [{ name: 'main', image: 'main' }] },
    status: { podIPs: addresses.map((address) => ({ ip: formatAddress(address) })) },
  }
}

/** A policy that lets nobody but these peers to the pods of an app. */
export function ingressPolicy(app: string, from: readonly object[]): object {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: app, namespace: 'bench' },
    spec: {
      podSelector: { matchLabels: { app } },
      policyTypes: ['Ingress'],
      ingress: from.length === 0 ? [] : [{ from }],
    },
  }
}
