import { formatAddress } from '../policy/address.ts'
import type { LabPod } from './lab-pod.ts'
import type { ProbeResult } from './probe.ts'

/** The outcome of a run for machines: one JSON object. */
export function reportJson(pods: readonly LabPod[], results: readonly ProbeResult[]): string {
  const report = {
    pods: pods.map(({ key, node, addresses, netns }) => ({
      name: key,
      node,
      ips: addresses.map(formatAddress),
      netns,
    })),
    probes: results.map(({ from, to, destination, port, protocol, expected, actual, reason }) => ({
      from,
      to,
      toIP: formatAddress(destination.address),
      port,
      protocol,
      expected,
      actual,
      reason,
    })),
    mismatches: results.filter(({ agreed }) => !agreed).length,
  }
  return `${JSON.stringify(report)}\n`
}
