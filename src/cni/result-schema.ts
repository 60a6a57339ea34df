import * as v from 'valibot'
import { familyOf, parseAddress, parseCidr, widthOf } from '../policy/address.ts'
import type { Address } from '../policy/address.ts'
import { orNothing } from './or-nothing.ts'
import { readText } from './read-text.ts'
import type { Dns, Result, ResultInterface, ResultIp, ResultRoute } from './result.ts'
import { SUPPORTED_VERSIONS } from './version.ts'

const strings = orNothing(v.array(v.string()))

/** DNS settings (section 5). */
export const dnsSchema = v.pipe(
  v.object({
    nameservers: strings,
    domain: orNothing(v.string()),
    search: strings,
    options: strings,
  }),
  v.transform((dns): Dns => dns),
)

const address = readText(parseAddress, 'an address')
const number = orNothing(v.pipe(v.number(), v.integer('must be a whole number')))
const text = orNothing(v.string())

const interfaceSchema = v.pipe(
  v.looseObject({
    name: v.string(),
    mac: text,
    mtu: number,
    sandbox: text,
    socketPath: text,
    pciID: text,
  }),
  v.transform(
    ({ name, mac, mtu, sandbox, socketPath, pciID, ...extra }): ResultInterface => ({
      name,
      mac,
      mtu,
      sandbox,
      socketPath,
      pciID,
      extra,
    }),
  ),
)

const ipSchema = v.pipe(
  v.looseObject({
    // Before 1.0.0; it says nothing that the address does not.
    version: text,
    address: readText(readAddressAndPrefix, 'an address and its prefix such as 10.0.0.2/24'),
    gateway: orNothing(address),
    interface: number,
  }),
  v.transform((fields): ResultIp => {
    const { version: _, address, gateway, interface: index, ...extra } = fields
    return { ...address, gateway, interface: index, extra }
  }),
)

const routeSchema = v.pipe(
  v.looseObject({
    dst: readText((text) => parseCidr(text)?.cidr, 'a destination such as 10.0.0.0/8'),
    gw: orNothing(address),
    mtu: number,
    advmss: number,
    priority: number,
    table: number,
    scope: number,
  }),
  v.transform(
    ({ dst, gw, mtu, advmss, priority, table, scope, ...extra }): ResultRoute => ({
      dst,
      gw,
      mtu,
      advmss,
      priority,
      table,
      scope,
      extra,
    }),
  ),
)

/** What another plugin answered to ADD, in any version of the specification that we speak. */
export const resultSchema = v.pipe(
  v.unknown(),
  v.check((value) => !Array.isArray(value), 'must be an object, not a list'),
  v.looseObject({
    cniVersion: v.optional(v.picklist(SUPPORTED_VERSIONS)),
    interfaces: orNothing(v.array(interfaceSchema)),
    ips: orNothing(v.array(ipSchema)),
    routes: orNothing(v.array(routeSchema)),
    dns: orNothing(dnsSchema),
  }),
  v.transform((fields): Result => {
    const { cniVersion: _, interfaces = [], ips = [], routes = [], dns, ...extra } = fields
    return { interfaces, ips, routes, dns, extra }
  }),
)

function readAddressAndPrefix(text: string): { address: Address; prefix: number } | undefined {
  const [, before = '', digits] = /^([^/]*)\/(\d{1,3})$/u.exec(text) ?? []
  const address = parseAddress(before)
  const prefix = Number(digits)
  if (address === undefined || prefix > widthOf(familyOf(address))) return undefined
  return { address, prefix }
}
