import { familyOf, formatAddress, formatCidr } from '../policy/address.ts'
import type { Address } from '../policy/address.ts'
import type { Result, ResultInterface, ResultIp, ResultRoute } from './result.ts'
import { type CniVersion, SUPPORTED_VERSIONS } from './version.ts'

/**
 * A result as the given version of the specification writes it, as JSON: that of ADD (section "ADD Success",
 * before 1.0.0 section "Result"). What the version cannot say is left out.
 */
export function formatResult(result: Result, version: CniVersion): string {
  return JSON.stringify({
    ...result.extra,
    cniVersion: version,
    interfaces: result.interfaces.map((item) => fieldsOf(INTERFACE, item, version)),
    ips: result.ips.map((item) => fieldsOf(IP, item, version)),
    routes: result.routes.map((item) => fieldsOf(ROUTE, item, version)),
    dns: result.dns,
  })
}

/** A field of a structure: the versions that have it, and how it is written. */
type Fields<Item> = Readonly<
  Record<string, readonly [versions: readonly CniVersion[], write: (item: Item) => unknown]>
>

const ALL = SUPPORTED_VERSIONS
const BEFORE_1_0_0 = ['0.3.1', '0.4.0'] as const
const SINCE_1_1_0 = ['1.1.0'] as const

const INTERFACE: Fields<ResultInterface> = {
  name: [ALL, ({ name }) => name],
  mac: [ALL, ({ mac }) => mac],
  mtu: [SINCE_1_1_0, ({ mtu }) => mtu],
  sandbox: [ALL, ({ sandbox }) => sandbox],
  socketPath: [SINCE_1_1_0, ({ socketPath }) => socketPath],
  pciID: [SINCE_1_1_0, ({ pciID }) => pciID],
}

const IP: Fields<ResultIp> = {
  version: [BEFORE_1_0_0, ({ address }) => `${familyOf(address)}`],
  address: [ALL, ({ address, prefix }) => `${formatAddress(address)}/${prefix}`],
  gateway: [ALL, ({ gateway }) => formatted(gateway)],
  interface: [ALL, (item) => item.interface],
}

const ROUTE: Fields<ResultRoute> = {
  dst: [ALL, ({ dst }) => formatCidr(dst)],
  gw: [ALL, ({ gw }) => formatted(gw)],
  mtu: [SINCE_1_1_0, ({ mtu }) => mtu],
  advmss: [SINCE_1_1_0, ({ advmss }) => advmss],
  priority: [SINCE_1_1_0, ({ priority }) => priority],
  table: [SINCE_1_1_0, ({ table }) => table],
  scope: [SINCE_1_1_0, ({ scope }) => scope],
}

function fieldsOf<Item extends { readonly extra: object }>(
  fields: Fields<Item>,
  item: Item,
  version: CniVersion,
): object {
  const written = Object.entries(fields)
    .filter(([, [versions]]) => versions.includes(version))
    .map(([name, [, write]]) => [name, write(item)])
  return { ...item.extra, ...Object.fromEntries(written) }
}

function formatted(address: Address | undefined): string | undefined {
  return address === undefined ? undefined : formatAddress(address)
}
