import * as v from 'valibot'
import type { NodeState } from '../kernel/node-state.ts'
import type { Machine } from '../real-cluster/machine.ts'
import { type Container, CniDriver, type NetworkList, type Result } from './cni-driver.ts'
import { type ContainerPlace, enterNamespace } from './container-places.ts'
import { stateOf } from './machine-state.ts'
import { addOutside, OUTSIDE } from './outside.ts'
import { pluginsOf } from './plugins-of.ts'
import { manifestsFor } from './scene.ts'
import { installAgent } from './sluice-agent.ts'
import { type RuntimeMachine, startMachine } from './start-machine.ts'

/** A container that a list of plugins gave a network. */
export interface ChainPod extends ContainerPlace {
  readonly list: NetworkList
  readonly container: Container
  readonly result: Result
  /** The node's end of its link. */
  readonly hostInterface: string
}

/** A machine with an agent, something outside of it, and a driver that calls lists of plugins. */
export class ChainScene {
  readonly driver: CniDriver
  readonly outside: ContainerPlace
  /** What the machine has of pods before there is one. */
  readonly unused: NodeState
  readonly #started: RuntimeMachine
  readonly #pods = new Set<ChainPod>()

  private constructor(started: RuntimeMachine, outside: ContainerPlace) {
    this.#started = started
    this.outside = outside
    this.driver = new CniDriver(pluginsOf(started.machine))
    this.unused = stateOf(started.machine)
  }

  /** @param flags of the agent */
  static async start(flags: readonly string[] = []): Promise<ChainScene> {
    const started = await startMachine('chains')
    try {
      await installAgent(
        started.machine,
        manifestsFor((container) => container),
        flags,
      )
      await addOutside(started.machine)
      return new ChainScene(started, await enterNamespace(started.machine, OUTSIDE))
    } catch (error) {
      await started[Symbol.asyncDispose]()
      throw error
    }
  }

  get machine(): Machine {
    return this.#started.machine
  }

  containerOf(options: Pick<Container, 'id' | 'capabilityArgs'>): Container {
    return { ...options, netns: `/run/netns/${options.id}`, ifName: 'eth0' }
  }

  /** Makes a namespace and gives it a network; something answers on TCP port 80 of all of its addresses. */
  async attach(
    list: NetworkList,
    options: Pick<Container, 'id' | 'capabilityArgs'>,
  ): Promise<ChainPod> {
    const container = this.containerOf(options)
    await this.machine.run(['ip', 'netns', 'add', options.id])
    const result = await this.driver.add(list, container)
    const entered = await enterNamespace(this.machine, container.netns)
    for (const address of entered.addresses) {
      await entered.place.listen([{ protocol: 'TCP', address, port: POD_PORT }])
    }
    const hostInterface = v.parse(firstInterface, result).interfaces[0].name
    const pod = { ...entered, list, container, result, hostInterface }
    this.#pods.add(pod)
    return pod
  }

  /** As a runtime ends a container: the namespace goes after the DEL. */
  async detach(pod: ChainPod): Promise<void> {
    const { list, container, place } = pod
    this.#pods.delete(pod)
    await this.driver.del(list, container)
    await place.close()
    await this.machine.run(['ip', 'netns', 'delete', container.id])
  }

  /** What a test that failed has left. */
  async detachRest(): Promise<void> {
    for (const pod of this.#pods) await this.detach(pod)
  }

  async stop(): Promise<void> {
    await this.outside.place.close()
    await this.#started[Symbol.asyncDispose]()
  }
}

export const POD_PORT = 80

const firstInterface = v.looseObject({
  interfaces: v.tupleWithRest([v.looseObject({ name: v.string() })], v.unknown()),
})
