import { familyOf, formatAddress, widthOf } from '../policy/address.ts'
import type { Address } from '../policy/address.ts'
import type { Attachment } from '../pods/attachment.ts'
import { GATEWAYS } from '../pods/gateways.ts'
import type { PodLinks } from '../pods/wiring.ts'
import type { Dns } from './config.ts'
import type { CniError } from './errors.ts'
import { answerVersion, type CniVersion } from './version.ts'

/** What an ADD did, as the runtime wants to know it. */
export interface AddOutcome {
  readonly attachment: Attachment
  /** Path of the pod's network namespace, as the runtime gave it. */
  readonly netns: string
  readonly links: PodLinks
  readonly dns: Dns | undefined
}

/** The success result of ADD in the shape of a version of the specification (section "Success"). */
export function addResult(outcome: AddOutcome, version: CniVersion): string {
  const { attachment, dns } = outcome
  return JSON.stringify({
    cniVersion: version,
    interfaces: interfacesOf(outcome, version),
    ips: attachment.addresses.map((address) => ipOf(address, version)),
    routes: attachment.addresses.map(defaultRouteOf),
    dns,
  })
}

/** The error result of any verb. */
export function errorResult(error: CniError, stdin: string): string {
  return JSON.stringify({
    cniVersion: answerVersion(stdin),
    code: error.code,
    msg: error.message,
    details: error.details,
  })
}

/** The pod's end is the second of the interfaces. */
const POD_INTERFACE = 1

function interfacesOf({ attachment, netns, links }: AddOutcome, version: CniVersion): object[] {
  const mtu = version === '1.1.0' ? { mtu: links.mtu } : {}
  return [
    { name: attachment.hostInterface, mac: links.hostMac, ...mtu },
    { name: attachment.ifName, mac: links.podMac, ...mtu, sandbox: netns },
  ]
}

function ipOf(address: Address, version: CniVersion): object {
  const family = familyOf(address)
  // Dropped in 1.0.0, required before.
  const familyField = version === '0.3.1' || version === '0.4.0' ? { version: `${family}` } : {}
  return {
    ...familyField,
    address: `${formatAddress(address)}/${widthOf(family)}`,
    gateway: formatAddress(GATEWAYS[family]),
    interface: POD_INTERFACE,
  }
}

function defaultRouteOf(address: Address): object {
  const family = familyOf(address)
  return { dst: family === 4 ? '0.0.0.0/0' : '::/0', gw: formatAddress(GATEWAYS[family]) }
}
