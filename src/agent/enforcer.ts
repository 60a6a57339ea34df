import { CniError } from '../cni/errors.ts'
import type { Enforcement } from '../cni/enforcement.ts'
import { MANIFEST_KINDS, type Manifests } from '../cluster/manifests.ts'
import type { SourceChange } from '../cluster/source-change.ts'
import type { ClusterState } from '../cluster/state.ts'
import type { Dataplane } from '../dataplane/dataplane.ts'
import type { Revocation } from '../dataplane/revocation.ts'
import { type Attachment, describe } from '../pods/attachment.ts'
import type { Compiler } from '../policy/compile.ts'
import type { ClusterEvent } from '../policy/model.ts'

export interface EnforcerParts {
  readonly node: string
  readonly state: ClusterState
  readonly compiler: Compiler
  readonly dataplane: Dataplane
  readonly revocation: Pick<Revocation, 'sweep' | 'forget'>
  /** Asks the source for one pod, for when its watch is behind; rejects when it cannot be asked. */
  readonly lookUp: ((attachment: Attachment) => Promise<SourceChange | undefined>) | undefined
  /**
   * What a pod gets of which nobody has told yet, in a namespace with policies: a network in which it is
   * isolated until its labels are known, or no network yet (the runtime tries again).
   */
  readonly unknownPods: 'isolate' | 'refuse'
  /** A change could not be committed; it is tried again. */
  readonly onRefused: (error: Error) => void
  readonly setTimer: (callback: () => void, delayMs: number) => void
}

const FIRST_RETRY_MS = 500
const LAST_RETRY_MS = 30_000

/**
 * Brings what happens in the cluster and on this node into the kernel, one thing after the other: cluster
 * state → compiler → data plane → connections.
 */
export class Enforcer implements Enforcement {
  readonly #parts: EnforcerParts
  #last: Promise<unknown> = Promise.resolve()
  #revision: string
  /** Why the kernel does not hold all that the compiler wants; undefined when it does. */
  #refusal: Error | undefined
  #retryMs = FIRST_RETRY_MS

  constructor(parts: EnforcerParts, revision: string) {
    this.#parts = parts
    this.#revision = revision
  }

  /** Which content of the manifests the kernel enforces; undefined while it lags behind. */
  get revision(): string | undefined {
    return this.#refusal === undefined ? this.#revision : undefined
  }

  get refusal(): Error | undefined {
    return this.#refusal
  }

  /** Never rejects: what the kernel refuses is tried again until it is in force. */
  async setManifests(manifests: Manifests): Promise<void> {
    await this.#inTurn(async () => {
      const events = this.#parts.state.replace(MANIFEST_KINDS, manifests.changes)
      await this.#enforce(events).catch(() => undefined)
      this.#revision = manifests.revision
    })
  }

  /**
   * @throws {CniError} tryAgainLater for a pod that nobody has told of yet, where such are refused
   * @throws {DataplaneError} when the kernel refuses
   */
  async attach(attachment: Attachment): Promise<void> {
    const { state, dataplane, revocation } = this.#parts
    await this.#inTurn(async () => {
      await revocation.forget(new Set(attachment.addresses))
      const { events, known } = state.attach({
        id: attachment.hostInterface,
        ...attachment.pod,
        node: this.#parts.node,
        addresses: attachment.addresses,
      })
      const told = known ? [] : await this.#askFor(attachment)
      if (!known && told.length === 0) this.#mayBeUnknown(attachment)
      await this.#enforce([...events, ...told])
      await dataplane.attach(attachment.addresses, attachment.hostInterface)
    })
  }

  /** A kernel that refuses what policy wants does not keep a pod from leaving. */
  async detach(attachment: Attachment): Promise<void> {
    const { state, dataplane, revocation } = this.#parts
    await this.#inTurn(async () => {
      // What is refused is tried again; no ADD succeeds before, so nobody else can get the addresses meanwhile.
      await this.#enforce(state.detach(attachment.hostInterface)).catch(() => undefined)
      const own = attachment.addresses.filter(
        (address) => dataplane.state.locals.get(address) === attachment.hostInterface,
      )
      await dataplane.detach(own)
      await revocation.forget(new Set(own))
    })
  }

  /** What the source says of a pod that it has not told of by itself. */
  async #askFor(attachment: Attachment): Promise<readonly ClusterEvent[]> {
    const { lookUp, state } = this.#parts
    const found = await lookUp?.(attachment).catch(() => undefined)
    return found === undefined ? [] : state.apply([found])
  }

  #mayBeUnknown(attachment: Attachment): void {
    const { state, unknownPods } = this.#parts
    if (unknownPods === 'isolate' || !this.#hasPolicy(attachment.pod.namespace)) return
    state.detach(attachment.hostInterface)
    throw new CniError(
      'tryAgainLater',
      `Pod ${describe(attachment)} is not known on this node yet, and its namespace has policies that may name its labels`,
    )
  }

  #hasPolicy(namespace: string): boolean {
    const policies = this.#parts.state.cluster.policies.values()
    return policies.some((policy) => policy.namespace === namespace)
  }

  async #enforce(events: readonly ClusterEvent[]): Promise<void> {
    const { compiler, dataplane, revocation } = this.#parts
    const changes = compiler.apply(events)
    try {
      // After a refusal the kernel is behind by more than these changes.
      if (this.#refusal !== undefined)
        revocation.sweep(await dataplane.reconcile(compiler.tables()))
      else for (const change of changes) revocation.sweep(await dataplane.apply(change))
      this.#refusal = undefined
      this.#retryMs = FIRST_RETRY_MS
    } catch (error) {
      this.#refuse(error instanceof Error ? error : new Error(String(error)))
      throw error
    }
  }

  #refuse(error: Error): void {
    this.#parts.onRefused(error)
    const isFirst = this.#refusal === undefined
    this.#refusal = error
    if (isFirst) this.#retryLater()
  }

  #retryLater(): void {
    this.#parts.setTimer(() => {
      const retry = this.#inTurn(async () => {
        if (this.#refusal !== undefined) await this.#enforce([])
      })
      retry.catch(() => this.#retryLater())
    }, this.#retryMs)
    this.#retryMs = Math.min(2 * this.#retryMs, LAST_RETRY_MS)
  }

  #inTurn<T>(task: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(task)
    this.#last = turn.catch(() => undefined)
    return turn
  }
}
