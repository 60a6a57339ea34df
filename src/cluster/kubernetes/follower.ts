import type { SourceChange } from '../source-change.ts'
import { Backoff } from './backoff.ts'
import type { ApiClient } from './client.ts'
import type { Credentials } from './credentials.ts'
import { Inventory } from './inventory.ts'
import { readList } from './read-list.ts'
import { readWatch } from './read-watch.ts'
import { type ListWay, remedyFor, type Task } from './remedy.ts'
import type { Resource } from './resources.ts'
import { createSharing } from './share.ts'
import type { Step } from './step.ts'
import { type KubernetesSystem, sleep } from './system.ts'

export interface FollowerParts {
  readonly client: ApiClient
  readonly credentials: Pick<Credentials, 'expire'>
  readonly system: KubernetesSystem
  readonly signal: AbortSignal
  /** Nothing more is read until it is done with these. */
  readonly tell: (changes: readonly SourceChange[]) => void | Promise<void>
  readonly onError: (error: Error) => void
}

/** What the source knows of one kind of objects. */
export interface ResourceStatus {
  readonly path: string
  /** All that there is has been told once. */
  readonly synced: boolean
  readonly objects: number
  /** Of what has been told; undefined until there is a list, and after the server has forgotten it. */
  readonly resourceVersion: string | undefined
  /** Milliseconds since the epoch, of the last object or bookmark. */
  readonly lastEventAt: number | undefined
  readonly lists: number
  readonly errors: number
  /** Why the last attempt failed; undefined when all is well. */
  readonly failure: string | undefined
}

const FIRST_RETRY_MS = 500
const LAST_RETRY_MS = 30_000
/** A watch ends by itself after 5 to 10 minutes, so that nodes spread over the API servers again. */
const WATCH_S = 300
/** That many objects are told gone in one step. */
const GONE_OBJECTS = 500

/** Lists and watches all objects of one kind, for as long as the signal lets it. */
export class Follower {
  readonly inventory: Inventory
  readonly #resource: Resource
  readonly #parts: FollowerParts
  readonly #backoff: Backoff
  readonly #share = createSharing()
  readonly #firstList = Promise.withResolvers<void>()
  #way: ListWay = 'stream'
  /** Where to watch from; undefined when there is to be a list. */
  #version: string | undefined
  #lastEventAt: number | undefined
  #lists = 0
  #errors = 0
  #failure: string | undefined

  constructor(resource: Resource, parts: FollowerParts) {
    this.#resource = resource
    this.#parts = parts
    this.inventory = new Inventory(resource.object)
    const { random } = parts.system
    this.#backoff = new Backoff({ firstMs: FIRST_RETRY_MS, lastMs: LAST_RETRY_MS, random })
  }

  /** Resolves when everything there is has been told once. */
  get synced(): Promise<void> {
    return this.#firstList.promise
  }

  get status(): ResourceStatus {
    return {
      path: this.#resource.path,
      synced: this.#lists > 0,
      objects: this.inventory.size,
      resourceVersion: this.#version,
      lastEventAt: this.#lastEventAt,
      lists: this.#lists,
      errors: this.#errors,
      failure: this.#failure,
    }
  }

  /** Never rejects: what was told last stays in force until the server can be heard again. */
  async run(): Promise<void> {
    const { system, signal } = this.#parts
    while (!signal.aborted) {
      const task = this.#version === undefined ? this.#way : 'watch'
      const [startedAt, heardBefore] = [system.now(), this.#lastEventAt]
      try {
        for await (const step of this.#steps(task)) await this.#take(step)
        // The server ended the watch, as it should; but with nothing told, not again and again.
        if (this.#lastEventAt === heardBefore) await this.#wait(0)
      } catch (error) {
        if (system.now() - startedAt > LAST_RETRY_MS) this.#backoff.reset()
        await this.#recover(error, task)
      }
    }
  }

  #steps(task: Task): AsyncIterable<Step> {
    const { client, signal, system } = this.#parts
    if (task !== 'watch') this.inventory.begin()
    if (task === 'pages' || task === 'whole') {
      return readList(client, this.#resource, task, signal)
    }
    const timeoutSeconds = Math.round(WATCH_S * (1 + system.random()))
    return readWatch(client, this.#resource, { since: this.#version, timeoutSeconds, signal })
  }

  async #take({ changes: read, version }: Step): Promise<void> {
    const { system, tell } = this.#parts
    const changes = read.map(this.#share)
    for (const change of changes) this.inventory.note(change)
    if (changes.length > 0) await tell(changes)
    if (version !== undefined) {
      if (this.#version === undefined) await this.#completeList()
      else this.#backoff.reset()
      this.#version = version
      this.#failure = undefined
    }
    if (changes.length > 0 || version !== undefined) this.#lastEventAt = system.now()
    await system.yieldToOthers()
  }

  /** Everything there is has been told; what is not among it is gone. */
  async #completeList(): Promise<void> {
    const { system, tell } = this.#parts
    const gone = this.inventory.takeGone()
    for (let some = take(gone); some.length > 0; some = take(gone)) {
      await tell(some)
      await system.yieldToOthers()
    }
    if (this.#way === 'whole') this.#way = 'pages'
    this.#lists += 1
    this.#firstList.resolve()
  }

  async #recover(error: unknown, task: Task): Promise<void> {
    const { credentials, onError, signal } = this.#parts
    if (signal.aborted) return
    const remedy = remedyFor(error, task)
    if (remedy.relist) this.#version = undefined
    if (remedy.way !== undefined) this.#way = remedy.way
    if (remedy.expireCredentials) credentials.expire()
    if (!remedy.expected) {
      const fault = error instanceof Error ? error : new Error(String(error))
      this.#errors += 1
      this.#failure = fault.message
      onError(fault)
    }
    if (!remedy.atOnce) await this.#wait(remedy.atLeastMs)
  }

  #wait(atLeastMs: number): Promise<void> {
    const { system, signal } = this.#parts
    return sleep(system, Math.max(this.#backoff.next(), atLeastMs), signal)
  }
}

function take(gone: Iterator<SourceChange>): SourceChange[] {
  const some: SourceChange[] = []
  while (some.length < GONE_OBJECTS) {
    const { done, value } = gone.next()
    if (done === true) break
    some.push(value)
  }
  return some
}
