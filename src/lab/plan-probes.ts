import { type Address, familyOf, formatAddress, parseAddress } from '../policy/address.ts'
import { nearest } from '../policy/parse/nearest.ts'
import type { LabPod } from './lab-pod.ts'
import type { Probe, ProbeEnd, ProbePacket } from './probe.ts'

/** What probes can name. */
export interface ProbeTargets {
  readonly pods: readonly LabPod[]
  /** The place that has this address, or will have. Throws a sentence for one that nothing can have. */
  readonly placeAt: (address: Address) => string
  /** The place that a pod's packets start and end in. */
  readonly placeOf: (pod: LabPod) => string
}

/** Every pod to every pod, itself too, on each port that the destination declares. */
export function everyProbe(pods: readonly LabPod[]): Probe[] {
  return pods.flatMap((from) =>
    pods.flatMap((to) => to.ports.map((port) => ({ from: from.key, to: to.key, ...port }))),
  )
}

/**
 * The packets that answer the probes, one for each family that both ends have.
 *
 * @throws Error with a sentence that names the end of a probe that there is not, or the families that differ.
 */
export function planProbes(probes: readonly Probe[], targets: ProbeTargets): ProbePacket[] {
  return probes.flatMap((probe) => {
    const destinations = endsOf(probe.to, targets)
    const packets = endsOf(probe.from, targets).flatMap((source) =>
      destinations
        .filter(({ address }) => familyOf(address) === familyOf(source.address))
        .map((destination) => ({ ...probe, source, destination })),
    )
    if (packets.length > 0) return packets
    throw new Error(`${probe.from} and ${probe.to} have no addresses of one family; probe others.`)
  })
}

function endsOf(end: string, targets: ProbeTargets): ProbeEnd[] {
  const address = parseAddress(end)
  if (address !== undefined) return [{ place: targets.placeAt(address), address }]
  const pod = targets.pods.find(({ key }) => key === end)
  if (pod === undefined) throw unknownPod(end, targets.pods)
  const place = targets.placeOf(pod)
  return pod.addresses.map((one) => ({ place, address: one }))
}

function unknownPod(end: string, pods: readonly LabPod[]): Error {
  const meant = nearest(
    end,
    pods.map(({ key }) => key),
  )
  const remedy = meant === undefined ? 'Name one that runs.' : `Did you mean ${meant}?`
  return new Error(`The lab runs no pod ${end}. ${remedy}`)
}

/** For messages: `shop/web → 10.0.0.1 TCP/80`. */
export function probeText({ from, destination, protocol, port }: ProbePacket): string {
  const service = port === undefined ? protocol : `${protocol}/${port}`
  return `${from} → ${formatAddress(destination.address)} ${service}`
}
