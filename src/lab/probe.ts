import type { Address } from '../policy/address.ts'
import type { Verdict } from '../policy/verdict.ts'
import type { ProbeProtocol } from './place-messages.ts'

/** A probe as it is asked for: ends are `ns/pod` or an IP address. */
export interface Probe {
  readonly from: string
  readonly to: string
  readonly protocol: ProbeProtocol
  /** Of the destination; undefined for ICMP. */
  readonly port: number | undefined
}

/** One packet of a probe: a probe between pods has one a family that both have. */
export interface ProbePacket extends Probe {
  readonly source: ProbeEnd
  readonly destination: ProbeEnd
}

/** Where a packet starts or ends. */
export interface ProbeEnd {
  /** Name of the place that has the address. */
  readonly place: string
  readonly address: Address
}

export type ProbeVerdict = 'allow' | 'deny'

export interface ProbeResult extends ProbePacket {
  /** The evaluator's answer. */
  readonly expected: ProbeVerdict
  /** What the packet found. */
  readonly actual: ProbeVerdict
  /** Evaluator, compiler and packet agree. */
  readonly agreed: boolean
  /** Why it is expected so, or what disagrees. */
  readonly reason: string
  /** The evaluator's answer with the rules that decide. */
  readonly verdict: Verdict
}
