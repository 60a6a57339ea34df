import * as v from 'valibot'
import { formatAddress, parseAddress } from '../policy/address.ts'
import type { Attachment } from './attachment.ts'

/** What the source has said of a pod, as far as policy needs it. */
export interface LastTold {
  /** Keys and values; no object, in which keys such as `__proto__` and `constructor` get lost. */
  readonly labels: readonly (readonly [string, string])[]
  readonly namedPorts: readonly {
    readonly name: string
    readonly protocol: 'TCP' | 'UDP' | 'SCTP'
    readonly port: number
  }[]
}

/** An attachment as it is kept from ADD to the end of its addresses' rest. */
export interface PodRecord extends Attachment {
  /** Path of the pod's network namespace, as ADD gave it; '' after the record was lost. */
  readonly netns: string
  /** For the next agent, should the source have forgotten a pod that still runs; undefined until it is told. */
  readonly lastTold?: LastTold | undefined
  /** Milliseconds since the epoch: when ADD made it; undefined where it was made anew, or by an agent before 0.2. */
  readonly attachedAt?: number | undefined
  /** Milliseconds since the epoch: its DEL was answered, and what is left of its network is still to be removed. */
  readonly leftAt?: number | undefined
  /** Milliseconds since the epoch: nothing is left, and its addresses rest. */
  readonly releasedAt: number | undefined
}

/** From ADD to DEL. */
export function isAttached({ leftAt, releasedAt }: PodRecord): boolean {
  return leftAt === undefined && releasedAt === undefined
}

/** From DEL to the end of its link. */
export function isLeaving({ leftAt, releasedAt }: PodRecord): boolean {
  return leftAt !== undefined && releasedAt === undefined
}

const protocol = v.picklist(['TCP', 'UDP', 'SCTP'])

const schema = v.object({
  pod: v.object({ namespace: v.string(), name: v.string(), uid: v.string() }),
  containerId: v.string(),
  ifName: v.string(),
  // Agents before 0.2 wrote neither this nor the id nor the network.
  wiredBy: v.optional(v.picklist(['sluice', 'chain']), 'sluice'),
  id: v.optional(v.string()),
  network: v.optional(v.string(), ''),
  hostInterface: v.string(),
  bridgePort: v.optional(v.object({ name: v.string(), mac: v.string() })),
  addresses: v.array(v.string()),
  portMappings: v.optional(
    v.array(
      v.object({
        hostPort: v.number(),
        containerPort: v.number(),
        protocol,
        hostIp: v.optional(v.string()),
      }),
    ),
    [],
  ),
  netns: v.string(),
  lastTold: v.optional(
    v.object({
      labels: v.array(v.tuple([v.string(), v.string()])),
      namedPorts: v.array(v.object({ name: v.string(), protocol, port: v.number() })),
    }),
  ),
  attachedAt: v.optional(v.number()),
  leftAt: v.optional(v.number()),
  releasedAt: v.optional(v.number()),
})

export function encodeRecord(record: PodRecord): string {
  const addresses = record.addresses.map(formatAddress)
  const portMappings = record.portMappings.map(({ hostIp, ...mapping }) => ({
    ...mapping,
    hostIp: hostIp === undefined ? undefined : formatAddress(hostIp),
  }))
  return `${JSON.stringify({ ...record, addresses, portMappings })}\n`
}

/** @throws Error with a phrase that says what is wrong. */
export function decodeRecord(text: string): PodRecord {
  const parsed = v.safeParse(schema, JSON.parse(text))
  if (!parsed.success) {
    const [issue] = parsed.issues
    throw new Error(
      `${v.getDotPath(issue) ?? 'it'} must be ${issue.expected}, not ${issue.received}`,
    )
  }
  const { addresses, portMappings, id, releasedAt, ...rest } = parsed.output
  return {
    ...rest,
    id: id ?? rest.hostInterface,
    releasedAt,
    addresses: addresses.map(addressOf),
    portMappings: portMappings.map(({ hostIp, ...mapping }) => ({
      ...mapping,
      hostIp: hostIp === undefined ? undefined : addressOf(hostIp),
    })),
  }
}

function addressOf(text: string): Attachment['addresses'][number] {
  const address = parseAddress(text)
  if (address === undefined) throw new Error(`${JSON.stringify(text)} is no address`)
  return address
}
