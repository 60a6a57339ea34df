import type { NetlinkSocket } from '../netlink/socket.ts'
import { findTokenBucket, setTokenBucket, type TokenBucket } from '../netlink/token-bucket.ts'
import { type Attachment, describe } from './attachment.ts'
import type { Bandwidth } from './bandwidth.ts'
import { PodNetworkError, reasonOf } from './errors.ts'
import { tokenBucketsOf } from './token-buckets.ts'
import type { PodLinks, WiringOptions } from './wiring.ts'

type Ends = Pick<PodLinks, 'hostIndex' | 'podIndex' | 'mtu'>

/**
 * Limits what the pod receives, on the node's end of its link, and what it sends, on its own end. Both go with
 * the link.
 *
 * @throws PodNetworkError (wiringFailed).
 */
export function shapeLinks(
  attachment: Attachment,
  netns: string,
  ends: Ends,
  bandwidth: Bandwidth,
  { node, openIn }: Pick<WiringOptions, 'node' | 'openIn'>,
): void {
  const { hostEnd, podEnd } = tokenBucketsOf(bandwidth, ends.mtu)
  try {
    if (hostEnd !== undefined) node.request(setTokenBucket(ends.hostIndex, hostEnd))
    if (podEnd === undefined) return
    const pod = openIn(netns)
    try {
      pod.request(setTokenBucket(ends.podIndex, podEnd))
    } finally {
      pod.close()
    }
  } catch (cause) {
    throw new PodNetworkError(
      'wiringFailed',
      `The bandwidth of ${describe(attachment)} cannot be limited (the kernel needs the module sch_tbf): ${reasonOf(cause)}`,
      cause,
    )
  }
}

/**
 * Compares the limits of a link with those asked for.
 *
 * @param node a socket in the node's namespace
 * @param pod one in the pod's
 * @returns a sentence for each that is not in the kernel as it should be
 */
export function checkShape(
  ends: Ends,
  bandwidth: Bandwidth,
  { node, pod }: Readonly<Record<'node' | 'pod', NetlinkSocket>>,
): string[] {
  const { hostEnd, podEnd } = tokenBucketsOf(bandwidth, ends.mtu)
  const inward = isInForce(hostEnd, node, ends.hostIndex)
  const outward = isInForce(podEnd, pod, ends.podIndex)
  return [
    ...(inward ? [] : ['What the pod receives is not limited to its bandwidth']),
    ...(outward ? [] : ['What the pod sends is not limited to its bandwidth']),
  ]
}

function isInForce(wanted: TokenBucket | undefined, socket: NetlinkSocket, link: number): boolean {
  if (wanted === undefined) return true
  const found = findTokenBucket(socket, link)
  return found?.rateBytes === wanted.rateBytes && found.limitBytes === wanted.limitBytes
}
