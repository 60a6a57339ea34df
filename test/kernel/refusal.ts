import { NetlinkError } from '../../src/netlink/errors.ts'
import { caught } from '../caught.ts'

/** What the kernel says to something that it is to refuse. @throws when it does not */
export function refusal(act: () => unknown): NetlinkError {
  return caught(NetlinkError, act)
}
