import type { TokenBucket } from '../netlink/token-bucket.ts'
import type { Bandwidth } from './bandwidth.ts'

/** What limits a pod: what the node's end of its link sends goes to the pod, what the pod's end sends from it. */
export interface TokenBuckets {
  readonly hostEnd: TokenBucket | undefined
  readonly podEnd: TokenBucket | undefined
}

/** What may wait: as much as leaves in this time, as in the reference plugin `bandwidth`, and a burst. */
const LATENCY_S = 0.025
/**
 * Of a burst, no more than this may wait: two of the largest packets that TCP hands down (GSO, 64 KiB). Runtimes ask
 * for bursts of 512 MiB and more, and whoever floods such a pod would fill as much memory of the node.
 */
const MAX_WAITING_BURST_BYTES = 128 * 1024
/** linux/if_ether.h: ETH_HLEN. */
const LINK_HEADER_BYTES = 14
/** The kernel holds both in 32 bits. */
const MAX_BYTES = 2 ** 32 - 1

/**
 * The token buckets of a link with this MTU. A burst that no full packet fits into would let none pass, ever; it
 * is raised to one.
 */
export function tokenBucketsOf(bandwidth: Bandwidth, mtu: number): TokenBuckets {
  const { ingressRate, ingressBurst, egressRate, egressBurst } = bandwidth
  return {
    hostEnd: tokenBucket(ingressRate, ingressBurst, mtu),
    podEnd: tokenBucket(egressRate, egressBurst, mtu),
  }
}

/** @param rate bits per second; @param burst bits */
function tokenBucket(
  rate: number | undefined,
  burst: number | undefined,
  mtu: number,
): TokenBucket | undefined {
  if (rate === undefined) return undefined
  const rateBytes = Math.max(1, Math.floor(rate / 8))
  const packetBytes = mtu + LINK_HEADER_BYTES
  const burstBytes = Math.min(MAX_BYTES, Math.max(packetBytes, Math.floor((burst ?? 0) / 8)))
  const waitingBytes =
    Math.floor(rateBytes * LATENCY_S) + Math.min(burstBytes, MAX_WAITING_BURST_BYTES)
  return { rateBytes, burstBytes, limitBytes: Math.min(MAX_BYTES, waitingBytes) }
}
