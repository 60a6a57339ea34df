import { mkdir } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { cgroupOf } from './cgroup-of.ts'
import { startClusterMachine } from './cluster-machine.ts'
import type { Cni } from './cni.ts'
import { ADMIN_CONFIG, startControlPlane } from './control-plane.ts'
import { makeImages } from './images.ts'
import type { Machine } from './machine.ts'
import { joinMachines } from './network.ts'
import type { Places } from './places.ts'
import { CONTROL_PLANE, type NodeName, NODES } from './plan.ts'
import { removeLeftovers } from './leftovers.ts'
import { until } from './until.ts'
import { startWorker } from './worker.ts'

export interface ClusterOptions {
  readonly places: Places
  readonly cni: Cni
  /** Gets a line for each step. */
  readonly report: (line: string) => void
}

/** A control plane and two nodes, each a machine of its own. One at a time. */
export class Cluster {
  readonly controlPlane: Machine
  readonly nodes: ReadonlyMap<NodeName, Machine>
  readonly places: Places
  readonly #lock: Server

  private constructor(
    controlPlane: Machine,
    nodes: ReadonlyMap<NodeName, Machine>,
    places: Places,
    lock: Server,
  ) {
    this.controlPlane = controlPlane
    this.nodes = nodes
    this.places = places
    this.#lock = lock
  }

  /** Resolves when both nodes are Ready. Whatever happens to this process, the machines end with it. */
  static async start(options: ClusterOptions): Promise<Cluster> {
    const { places, report } = options
    const lock = await takeLock()
    await removeLeftovers(places)
    await mkdir(places.directory, { recursive: true })
    const images = await makeImages(places)
    const controlPlane = await startClusterMachine(CONTROL_PLANE, places)
    const nodes = new Map<NodeName, Machine>()
    const cluster = new Cluster(controlPlane, nodes, places, lock)
    try {
      for (const name of NODES) nodes.set(name, await startClusterMachine(name, places))
      report('three machines')
      await cluster.#bringUp(options, images)
      return cluster
    } catch (error) {
      await cluster.stop({ keepFiles: true })
      throw error
    }
  }

  /** What kubectl prints. `input` is for `-f -`. */
  kubectl(args: readonly string[], input?: string): Promise<string> {
    return this.controlPlane.run([...KUBECTL, ...args], { input })
  }

  /** A machine that runs pods. */
  node(name: NodeName): Machine {
    const machine = this.nodes.get(name)
    if (machine === undefined) throw new Error(`The cluster has no ${name}.`)
    return machine
  }

  /** Ends everything. Files, which are logs above all, stay on demand until the next cluster starts. */
  async stop({ keepFiles }: { readonly keepFiles: boolean }): Promise<void> {
    await Promise.all([...this.nodes.values(), this.controlPlane].map((machine) => machine.stop()))
    await removeLeftovers(this.places, { keepFiles })
    this.#lock.close()
  }

  async #bringUp({ cni, report }: ClusterOptions, images: readonly string[]): Promise<void> {
    const { controlPlane, nodes } = this
    await joinMachines(controlPlane, nodes)
    await startControlPlane(controlPlane)
    report('the API server is ready')
    await Promise.all(
      [...nodes].map(([name, machine]) => {
        const cgroup = cgroupOf(name, this.places)
        return startWorker(name, machine, { controlPlane, images, cgroup })
      }),
    )
    report('kubelets run')
    await cni.install(this)
    await until('both nodes are Ready', 120_000, async () => {
      const path = '-o=jsonpath={.items[*].status.conditions[?(@.type=="Ready")].status}'
      return (await this.kubectl(['get', 'nodes', path])).trim() === 'True True'
    })
    report('both nodes are Ready')
  }
}

const KUBECTL = ['kubectl', `--kubeconfig=${ADMIN_CONFIG}`]

/** An abstract socket: the kernel gives the name to one process at a time, and takes it back at its end. */
async function takeLock(): Promise<Server> {
  const lock = createServer()
  await new Promise<void>((resolve, reject) => {
    lock.once('error', () => {
      reject(
        new Error('Another test cluster runs on this machine. End the process that started it.'),
      )
    })
    lock.listen('\0sluice-cluster', resolve)
  })
  return lock.unref()
}
