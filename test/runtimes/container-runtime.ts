import type { Outcome } from '../real-cluster/command.ts'
import type { Machine } from '../real-cluster/machine.ts'

/** A program that runs containers and gives them networks by calling CNI plugins itself. */
export interface ContainerRuntime {
  readonly name: string
  /** Makes the machine ready for it. Resolves when it takes orders. */
  readonly install: (machine: Machine) => Promise<void>
  /** Runs a container to its end in the network of this name. */
  readonly run: (machine: Machine, container: ContainerOrder) => Promise<Outcome>
  /** Resolves when it runs, to the id of its first process on the machine. */
  readonly start: (machine: Machine, container: ContainerOrder) => Promise<number>
  /** Resolves when it and its network are gone. */
  readonly stop: (machine: Machine, name: string) => Promise<void>
  /** The name as which policy knows a container. */
  readonly podName: (container: string) => string
}

export interface ContainerOrder {
  readonly name: string
  readonly command: readonly string[]
  /** Further words for the command line of the runtime. */
  readonly flags?: readonly string[]
}

/** The one network that `writeNetwork` leaves. */
export const NETWORK = 'sluice'

/** Makes this the only network configuration of the machine. */
export async function writeNetwork(machine: Machine, list: object): Promise<void> {
  const path = '/etc/cni/net.d/10-network.conflist'
  await machine.write(path, JSON.stringify({ name: NETWORK, ...list }))
}

/** Makes the root directory that all containers share. */
export async function makeRootDirectory(machine: Machine): Promise<void> {
  const busybox = `${ROOT_DIRECTORY}/bin/busybox`
  await machine.run(['sh', '-c', `install -D "$(command -v busybox)" ${busybox}`])
}

export const ROOT_DIRECTORY = '/run/container-root'

/** Runs until it is killed. */
export const WAIT = ['/bin/busybox', 'sleep', '1000000']
