import * as v from 'valibot'
import { familyOf, parseAddress, parseCidr } from '../policy/address.ts'
import type { Address, Family } from '../policy/address.ts'
import type { AddressRange } from '../pods/address-range.ts'
import type { Bandwidth } from '../pods/bandwidth.ts'
import type { PortMapping } from '../pods/port-mapping.ts'
import { orNothing } from './or-nothing.ts'
import { parseMac } from './parse-mac.ts'
import { readText } from './read-text.ts'

/** What the runtime asks for one container, by those capabilities of CNI's CONVENTIONS.md that we declare. */
export interface RuntimeConfig {
  /** The pod's addresses (capability `ips`), at most one a family. */
  readonly ips: readonly Address[]
  /** Where its addresses must lie (`ipRanges`); a family without a range may have any address of the node. */
  readonly ipRanges: readonly AddressRange[]
  /** Of the pod's interface (`mac`), in lower case; undefined = one of ours. */
  readonly mac: string | undefined
  readonly portMappings: readonly PortMapping[]
  readonly bandwidth: Bandwidth | undefined
}

const address = readText(parseAddress, 'an address')

/** `<ip>[/<prefix>]`. The prefix says nothing to us: each pod is alone on its link. */
const requestedAddress = readText(
  (text) => parseAddress(text.replace(/\/\d{1,3}$/u, '')),
  'an address',
)

const ips = v.pipe(
  v.array(requestedAddress),
  v.check(
    (addresses) => new Set(addresses.map(familyOf)).size === addresses.length,
    'must hold at most one address of each family, since a pod has no more',
  ),
)

const subnet = readText((text) => {
  const read = parseCidr(text)
  return read?.warning === undefined ? read?.cidr : undefined
}, 'a subnet such as 10.0.1.0/24')

/** As host-local has them. Its `gateway` is of no use to us, whose gateway is link-local. */
const addressRange = v.pipe(
  v.object({ subnet, rangeStart: v.optional(address), rangeEnd: v.optional(address) }),
  v.check(
    ({ subnet: { first, last }, rangeStart = first, rangeEnd = last }) =>
      familyOf(rangeStart) === familyOf(first) &&
      familyOf(rangeEnd) === familyOf(first) &&
      first <= rangeStart &&
      rangeStart <= rangeEnd &&
      rangeEnd <= last,
    'must have its rangeStart and rangeEnd inside its subnet, in this order',
  ),
  v.transform(
    ({ subnet: { first, last }, rangeStart, rangeEnd }): AddressRange => ({
      first: rangeStart ?? first,
      last: rangeEnd ?? last,
    }),
  ),
)

/** A list for each address that the pod shall have, each of the ranges from which it may come. */
const ipRanges = v.pipe(
  v.array(
    v.pipe(
      v.array(addressRange),
      v.check((ranges) => familiesOf(ranges).size < 2, 'must hold ranges of one family'),
    ),
  ),
  v.check((lists) => {
    const families = lists.flatMap((ranges) => [...familiesOf(ranges)])
    return new Set(families).size === families.length
  }, 'must hold at most one list for each family, since a pod has one address of each'),
  v.transform((lists) => lists.flat()),
)

const mac = readText(parseMac, 'the MAC address of one interface such as 02:00:00:00:00:01')

const port = (lowest: 0 | 1) =>
  v.pipe(
    v.number(),
    v.integer('must be a whole number'),
    v.minValue(lowest, `must be at least ${lowest}`),
    v.maxValue(65_535, 'must be at most 65535'),
  )

const portMapping = v.pipe(
  v.object({
    hostPort: port(0),
    containerPort: port(1),
    // containerd writes it small, Kubernetes capital; Kubernetes means TCP without.
    protocol: v.optional(
      v.pipe(v.string(), v.toUpperCase(), v.picklist(['TCP', 'UDP', 'SCTP'])),
      'TCP',
    ),
    hostIP: orNothing(address),
  }),
  v.transform(({ hostIP, ...rest }): PortMapping => ({ ...rest, hostIp: hostIP })),
)

/** Host port 0 stands for none: some runtimes hand on every port of a pod. */
const portMappings = v.pipe(
  v.array(portMapping),
  v.transform((mappings) => mappings.filter(({ hostPort }) => hostPort > 0)),
)

/** The kernel's tbf counts bursts in bytes, in 32 bits. */
const MAX_BURST_BITS = 8 * (2 ** 32 - 1)

const bits = v.optional(
  v.pipe(v.number(), v.integer('must be a whole number'), v.minValue(0, 'must be at least 0')),
  0,
)
const burst = v.pipe(bits, v.maxValue(MAX_BURST_BITS, `must be at most ${MAX_BURST_BITS} bits`))

const bandwidth = v.pipe(
  v.object({ ingressRate: bits, ingressBurst: burst, egressRate: bits, egressBurst: burst }),
  v.check(
    ({ ingressRate, ingressBurst, egressRate, egressBurst }) =>
      ingressRate > 0 === ingressBurst > 0 && egressRate > 0 === egressBurst > 0,
    'must have a burst for each rate and a rate for each burst',
  ),
  v.transform(bandwidthOf),
)

export const runtimeConfig = v.pipe(
  v.object({
    ips: v.optional(ips, []),
    ipRanges: v.optional(ipRanges, []),
    mac: v.optional(mac),
    portMappings: v.optional(portMappings, []),
    bandwidth: v.optional(bandwidth),
  }),
  v.transform((fields): RuntimeConfig => ({ mac: undefined, bandwidth: undefined, ...fields })),
)

function familiesOf(ranges: readonly AddressRange[]): ReadonlySet<Family> {
  return new Set(ranges.map(({ first }) => familyOf(first)))
}

/** A rate of 0 is no limit. */
function bandwidthOf(
  limits: {
    readonly [Name in keyof Bandwidth]: number
  },
): Bandwidth | undefined {
  const { ingressRate, ingressBurst, egressRate, egressBurst } = limits
  if (ingressRate === 0 && egressRate === 0) return undefined
  return {
    ingressRate: ingressRate || undefined,
    ingressBurst: ingressBurst || undefined,
    egressRate: egressRate || undefined,
    egressBurst: egressBurst || undefined,
  }
}
