import { Place } from '../../src/lab/place.ts'
import type { Machine } from '../real-cluster/machine.ts'

/** Something on a machine that packets come from and go to. */
export interface ContainerPlace {
  readonly place: Place
  /** IPv4 first. */
  readonly addresses: readonly string[]
}

/** Inside a network namespace, by its path on the machine. */
export async function enterNamespace(machine: Machine, netns: string): Promise<ContainerPlace> {
  const place = new Place({ name: netns, netns: machine.path(netns) })
  return { place, addresses: await addressesOf(machine, netns) }
}

/** Global addresses as `ip` shows them. */
async function addressesOf(machine: Machine, netns: string): Promise<string[]> {
  const show = ['ip', '-oneline', 'address', 'show', 'dev', 'eth0', 'scope', 'global']
  const text = await machine.run(['nsenter', `--net=${netns}`, ...show])
  return [...text.matchAll(/ inet6? ([^/ ]+)\//gu)].map(([, address = '']) => address)
}
