import type { NetlinkSocket } from '../../src/netlink/socket.ts'
import type { Address } from '../../src/policy/address.ts'
import { Compiler } from '../../src/policy/compile.ts'
import { bringIntoForce } from '../enforcement/bring-into-force.ts'
import { clusterOf } from './cluster.ts'

/** Packets that Sluice denied. */
export const SLUICE_DENIED = { table: 'sluice', counter: 'denied_ingress' } as const

/** What an agent puts into force at its start, with so many policies. @param locals host interfaces of pods */
export async function establishSluice(
  socket: NetlinkSocket,
  policies: number,
  locals: ReadonlyMap<Address, string>,
): Promise<void> {
  const compiler = new Compiler()
  compiler.apply(clusterOf(policies))
  await bringIntoForce(socket, () => compiler.tables(), { locals })
}
