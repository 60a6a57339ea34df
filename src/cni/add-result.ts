import { blockOf, familyOf, widthOf } from '../policy/address.ts'
import type { Address } from '../policy/address.ts'
import type { Attachment } from '../pods/attachment.ts'
import { GATEWAYS } from '../pods/gateways.ts'
import type { PodLinks } from '../pods/wiring.ts'
import type { Dns, Result, ResultInterface, ResultIp, ResultRoute } from './result.ts'

/** What an ADD did that gave a pod its network. */
export interface AddOutcome {
  readonly attachment: Attachment
  /** Path of the pod's network namespace, as the runtime gave it. */
  readonly netns: string
  readonly links: PodLinks
  readonly dns: Dns | undefined
}

/** The same as the runtime wants to know it: the node's end and the pod's, in this order. */
export function addResult({ attachment, netns, links, dns }: AddOutcome): Result {
  const { hostInterface, ifName, addresses } = attachment
  const { hostMac, podMac, mtu } = links
  return {
    interfaces: [
      interfaceOf({ name: hostInterface, mac: hostMac, mtu, sandbox: undefined }),
      interfaceOf({ name: ifName, mac: podMac, mtu, sandbox: netns }),
    ],
    ips: addresses.map(ipOf),
    routes: addresses.map(defaultRouteOf),
    dns,
    extra: {},
  }
}

/** The pod's end among the interfaces. */
const POD_INTERFACE = 1

function interfaceOf(
  known: Pick<ResultInterface, 'name' | 'mac' | 'mtu' | 'sandbox'>,
): ResultInterface {
  return { ...known, socketPath: undefined, pciID: undefined, extra: {} }
}

function ipOf(address: Address): ResultIp {
  const family = familyOf(address)
  const gateway = GATEWAYS[family]
  return { address, prefix: widthOf(family), gateway, interface: POD_INTERFACE, extra: {} }
}

function defaultRouteOf(address: Address): ResultRoute {
  const gw = GATEWAYS[familyOf(address)]
  return {
    dst: blockOf(gw, 0),
    gw,
    mtu: undefined,
    advmss: undefined,
    priority: undefined,
    table: undefined,
    scope: undefined,
    extra: {},
  }
}
