import { NetlinkError } from '../../src/netlink/errors.ts'

/** What the kernel says to something that it is to refuse. @throws when it does not */
export function refusal(act: () => unknown): NetlinkError {
  try {
    act()
  } catch (error) {
    if (error instanceof NetlinkError) return error
    throw error
  }
  throw new Error('The kernel did not refuse.')
}
