import { type Address, ip4 } from '../../src/policy/address.ts'
import type { ClusterEvent, Labels, Pod, Selector } from '../../src/policy/model.ts'
import { parsePort } from '../../src/policy/port.ts'
import { makeSelector } from '../../src/policy/selector.ts'

/** Pods of the cluster that policies name as peers, all on other nodes but one. */
export const PEERS = 100_000
/** What the policies allow, by TCP and UDP. */
export const PORT = 8080

export const SERVER: Address = ip4(0x0a00_0001)
/** One of the peers, on the server's node. */
export const CLIENT: Address = ip4(0x0a00_0002)
/** The client pod sends from it as well, and no policy allows it anything. */
export const STRANGER: Address = ip4(0x0a00_0003)
const FIRST_PEER = 0x0a40_0000

/**
 * The peers that each of so many policies allows: every peer is in one of them, the client in the middle one,
 * so that who asks one after the other asks half of them.
 */
export function peersOfPolicies(policies: number): Address[][] {
  const peers = Array.from({ length: policies }, (): Address[] => [])
  for (let peer = 1; peer < PEERS; peer++) peers[peer % policies]?.push(ip4(FIRST_PEER + peer))
  peers[Math.floor(policies / 2)]?.push(CLIENT)
  return peers
}

/** The same as Kubernetes tells it: the policies all select the server, and each allows the pods of one label. */
export function clusterOf(policies: number): ClusterEvent[] {
  const pods: Pod[] = [
    podOf('server', 'server', SERVER, true),
    podOf('stranger', 'stranger', STRANGER, true),
  ]
  const inForce: ClusterEvent[] = []
  for (const [policy, peers] of peersOfPolicies(policies).entries()) {
    inForce.push(policyFor(policy))
    for (const [place, peer] of peers.entries()) {
      pods.push(podOf(`peer-${policy}-${place}`, appOf(policy), peer, peer === CLIENT))
    }
  }
  return [...inForce, ...pods.map((pod) => ({ kind: 'pod', pod }) as const)]
}

const PORT_NUMBER = parsePort(PORT)

function policyFor(policy: number): ClusterEvent {
  if (PORT_NUMBER === undefined) throw new RangeError(`${PORT} is no port.`)
  const ports = (['TCP', 'UDP'] as const).map(
    (protocol) => ({ kind: 'range', protocol, first: PORT_NUMBER, last: PORT_NUMBER }) as const,
  )
  const peer = { kind: 'pods', namespaces: 'own', pods: labelled(appOf(policy)) } as const
  return {
    kind: 'policy',
    policy: {
      namespace: 'bench',
      name: `allow-${policy}`,
      podSelector: labelled('server'),
      ingress: [{ peers: [peer], ports }],
      egress: undefined,
    },
  }
}

function appOf(policy: number): string {
  return `client-${policy}`
}

function podOf(name: string, app: string, address: Address, local: boolean): Pod {
  const labels: Labels = new Map([['app', app]])
  return {
    namespace: 'bench',
    name,
    uid: name,
    labels,
    addresses: [address],
    namedPorts: [],
    createdAt: 0,
    node: local ? 'here' : 'elsewhere',
    local,
  }
}

function labelled(app: string): Selector {
  return makeSelector([{ key: 'app', operator: 'In', values: [app] }])
}
