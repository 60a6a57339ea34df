import type { ConnectionEnds } from '../netlink/listed-connection.ts'
import { type Address, familyOf } from '../policy/address.ts'
import type { Protocol } from '../policy/model.ts'
import { PROTOCOL_NUMBERS } from './protocols.ts'

/** A port of the node, whatever the address. */
export interface HostPortNumber {
  readonly protocol: Protocol
  /** 1–65535. */
  readonly hostPort: number
}

/** A port of the node that leads to a port of a pod. */
export interface HostPort extends HostPortNumber {
  /** Of the node; undefined: every address of the family. */
  readonly hostIp: Address | undefined
  /** Of the pod; it has the family of `hostIp`. */
  readonly address: Address
  /** 1–65535. */
  readonly containerPort: number
}

/**
 * A pod's mappings, spelled out for each of its addresses. As in the `portmap` plugin, `0.0.0.0` and `::` mean
 * every address of one family, no address means both, and of two mappings of one port the first holds.
 */
export function hostPortsOf(
  mappings: readonly Omit<HostPort, 'address'>[],
  addresses: readonly Address[],
): HostPort[] {
  const hostPorts = new Map<string, HostPort>()
  for (const mapping of mappings) {
    for (const address of addresses) {
      const { hostIp } = mapping
      if (hostIp !== undefined && familyOf(hostIp) !== familyOf(address)) continue
      const hostPort = { ...mapping, hostIp: isEvery(hostIp) ? undefined : hostIp, address }
      const key = keyOfHostPort(hostPort)
      if (!hostPorts.has(key)) hostPorts.set(key, hostPort)
    }
  }
  return [...hostPorts.values()]
}

/** The same for those that cannot be on one node together. */
export function keyOfHostPort({ protocol, hostIp, hostPort, address }: HostPort): string {
  return [familyOf(address), protocol, hostIp ?? '*', hostPort].join(' ')
}

export function keyOfNumber({ protocol, hostPort }: HostPortNumber): string {
  return `${protocol} ${hostPort}`
}

/**
 * Whether the connection goes to the port of the node itself, and not where the port leads.
 *
 * @param ownAddresses of the node
 */
export function missesHostPort(
  { protocol, original, reply }: ConnectionEnds,
  hostPort: HostPort,
  ownAddresses: ReadonlySet<Address>,
): boolean {
  const isTranslated = reply.src !== original.dst || reply.sport !== original.dport
  if (isTranslated || protocol !== PROTOCOL_NUMBERS[hostPort.protocol]) return false
  const { hostIp, address } = hostPort
  const isMeant =
    hostIp === undefined
      ? ownAddresses.has(original.dst) && familyOf(original.dst) === familyOf(address)
      : original.dst === hostIp
  return isMeant && original.dport === hostPort.hostPort
}

function isEvery(hostIp: Address | undefined): boolean {
  return hostIp === 0 || hostIp === 0n
}
