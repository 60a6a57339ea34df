import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Place } from '../../src/lab/place.ts'
import { NETLINK_ROUTE } from '../../src/netlink/constants.ts'
import { listLinks } from '../../src/netlink/link.ts'
import { type NetlinkSocket, openNetlink } from '../../src/netlink/socket.ts'
import { byFamily } from '../harness/by-family.ts'
import { expectReach, type ReachEnd } from '../harness/expect-reach.ts'
import { addressesOfResult } from './addresses-of-result.ts'
import type { Answer, Launched, Launcher, Order } from './launcher.ts'
import type { NodeNamespaces } from './node-namespaces.ts'
import { BENCH_NAMESPACE, FRIEND, OPEN_PORT, type Plugin, STRANGER, uidOf } from './plugin.ts'

export interface BenchNodeOptions {
  readonly plugin: Plugin
  readonly launcher: Launcher
  readonly namespaces: NodeNamespaces
  /** A directory in memory. */
  readonly scratch: string
  /** Pods that run all the time; friend and stranger among them. */
  readonly residents: readonly string[]
  /** Pods that come and go. */
  readonly guests: readonly string[]
}

/** What it took to let pods come and go. */
export interface Turn {
  readonly add: Launched
  readonly del: Launched
}

/** A node with pods, wired by one plugin. */
export class BenchNode {
  readonly #options: BenchNodeOptions
  readonly #socket: NetlinkSocket
  readonly #config: string
  readonly #places = new Map<string, Place>()
  /** What ADD answered for the residents that take part in checks. */
  readonly #ends = new Map<string, ReachEnd>()
  #turns = 0

  constructor(options: BenchNodeOptions) {
    this.#options = options
    this.#socket = openNetlink(NETLINK_ROUTE, { netns: options.namespaces.node })
    this.#config = join(options.scratch, 'config.json')
    writeFileSync(this.#config, JSON.stringify(options.plugin.config))
  }

  /** Path of its network namespace. */
  get netns(): string {
    return this.#options.namespaces.node
  }

  get name(): string {
    return this.#options.plugin.name
  }

  /** Gives the residents their network. To be called once, first. */
  async fill(): Promise<void> {
    const { residents } = this.#options
    const { answers } = await this.#call('ADD', 'at-once', residents)
    for (const [index, pod] of residents.entries()) {
      if (pod !== FRIEND && pod !== STRANGER) continue
      this.#ends.set(pod, this.#endOf(pod, answers[index]))
    }
  }

  /**
   * Lets so many guests come and go again. Rejects when one cannot, or when the packets of one go where they
   * must not.
   */
  async turn(order: Order, count: number): Promise<Turn> {
    const guests = this.#options.guests.slice(0, count)
    const links = this.#countLinks()
    this.#turns++
    const add = await this.#call('ADD', order, guests)
    await this.#check(guests, add.answers)
    const del = await this.#call('DEL', order, guests)
    await this.#untilLinks(links)
    return { add, del }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#places.values()].map((place) => place.close()))
    await this.#options.plugin.stop()
    this.#socket.close()
  }

  #call(command: 'ADD' | 'DEL', order: Order, pods: readonly string[]): Promise<Launched> {
    const { plugin, launcher, namespaces } = this.#options
    const target = { netns: namespaces.node, program: plugin.program, config: this.#config }
    const calls = pods.map((pod) => ({
      ...plugin.environment,
      CNI_COMMAND: command,
      CNI_CONTAINERID: `${pod}-${this.#turns}`,
      CNI_NETNS: namespaces.podNamespaceOf(pod),
      CNI_IFNAME: 'eth0',
      CNI_ARGS: `IgnoreUnknown=1;K8S_POD_NAMESPACE=${BENCH_NAMESPACE};K8S_POD_NAME=${pod};K8S_POD_UID=${uidOf(pod)}`,
    }))
    return launcher.run(order, target, calls)
  }

  /** The first guest answers the friend, and, where policy is enforced, not the stranger. */
  async #check(guests: readonly string[], answers: readonly Answer[]): Promise<void> {
    const [friend, stranger] = [this.#ends.get(FRIEND), this.#ends.get(STRANGER)]
    // Always the same one, whatever the turn: its thread listens already.
    const [name] = guests
    if (friend === undefined || stranger === undefined || name === undefined) {
      throw new Error('A benchmark of CNI plugins needs residents and guests.')
    }
    const guest = this.#endOf(name, answers[0])
    await guest.place.listen([{ protocol: 'TCP', address: '::', port: OPEN_PORT }])
    const { enforces } = this.#options.plugin
    await expectReach(friend, guest, OPEN_PORT, 'answered')
    await expectReach(stranger, guest, OPEN_PORT, enforces ? 'unanswered' : 'answered')
  }

  #endOf(name: string, answer: Answer | undefined): ReachEnd {
    const addresses = byFamily(name, addressesOfResult(answer?.output ?? ''))
    const netns = this.#options.namespaces.podNamespaceOf(name)
    const place = this.#places.get(name) ?? new Place({ name, netns })
    this.#places.set(name, place)
    return { name, place, addresses }
  }

  #countLinks(): number {
    return listLinks(this.#socket).length
  }

  /** What a plugin leaves to be done after its answer must not fall into the turn of another. */
  async #untilLinks(count: number): Promise<void> {
    const end = performance.now() + SETTLED_WITHIN_MS
    while (this.#countLinks() > count) {
      if (performance.now() > end) throw new Error(`${this.name} left interfaces behind.`)
      await delay(POLL_MS)
    }
  }
}

const POLL_MS = 5
const SETTLED_WITHIN_MS = 60_000
