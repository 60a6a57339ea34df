import { CniError } from '../cni/errors.ts'
import type { Enforcement } from '../cni/enforcement.ts'
import type { SourceChange } from '../cluster/source-change.ts'
import type { ClusterState } from '../cluster/state.ts'
import type { BridgeTable } from '../dataplane/bridge-table.ts'
import type { Dataplane } from '../dataplane/dataplane.ts'
import { joinSilent } from '../dataplane/join-silent.ts'
import type { PodPlace } from '../dataplane/pod-place.ts'
import type { Revocation } from '../dataplane/revocation.ts'
import { type Attachment, describe, type PodIdentity } from '../pods/attachment.ts'
import type { LastTold } from '../pods/record.ts'
import type { Address } from '../policy/address.ts'
import type { Compiler } from '../policy/compile.ts'
import { type ClusterEvent, keyOf } from '../policy/model.ts'
import { bridgedPodOf } from './bridged-pod-of.ts'
import { lastToldOf } from './last-told.ts'
import { placeOf } from './place-of.ts'
import type { UnattachedPods } from './unattached-pods.ts'

export interface EnforcerParts {
  readonly node: string
  readonly state: ClusterState
  readonly compiler: Compiler
  /**
   * What a pod gets of which nobody has told yet, in a namespace with policies: a network in which it is
   * isolated until its labels are known, or no network yet (the runtime tries again).
   */
  readonly unknownPods: 'isolate' | 'refuse'
  /** A change could not be committed; it is tried again. */
  readonly onRefused: (error: Error) => void
  /** The kernel holds all that was told so far. */
  readonly onInForce?: () => void
  readonly setTimer: (callback: () => void, delayMs: number) => void
  /** Lets the event loop serve others. */
  readonly yieldToOthers: () => Promise<void>
}

/** What the enforcer changes, once there is one. */
export interface Force {
  readonly dataplane: Dataplane
  /** What of a pod's policy the kernel does not hold as it was committed. */
  readonly inspectPod: (place: PodPlace) => readonly string[]
  /** Where another plugin wires the pods, perhaps to a bridge. */
  readonly bridges?: Pick<BridgeTable, 'add' | 'remove' | 'check'> | undefined
  /** Pods of this node that came without us, where another plugin wires them. */
  readonly unattached?: Pick<UnattachedPods, 'follow'> | undefined
  readonly revocation: Pick<Revocation, 'sweep' | 'forget' | 'divert' | 'mendBars'>
  /** Asks the source for one pod, for when its watch is behind; rejects when it cannot be asked. */
  readonly lookUp: ((attachment: Attachment) => Promise<SourceChange>) | undefined
}

/** What is known of events beside what they say. */
interface Scope {
  /** Whose connections may have lost an allowance, where that is less than all that is touched. */
  readonly concerned?: ReadonlySet<Address>
  /** Of pods whose links are down. */
  readonly silent?: ReadonlySet<Address>
  /** Of one of these, which comes. */
  readonly place?: PodPlace
}

const FIRST_RETRY_MS = 500
const LAST_RETRY_MS = 30_000
/** Pods whose policy goes in one change. */
const LEAVING_AT_ONCE = 4

/**
 * Brings what happens in the cluster and on this node into the kernel, one thing after the other: cluster
 * state → compiler → data plane → connections. Until `begin` it only gathers.
 */
export class Enforcer implements Enforcement {
  readonly #parts: EnforcerParts
  #force: Force | undefined
  #last: Promise<unknown> = Promise.resolve()
  #revision: string | undefined
  /** Why the kernel does not hold all that the compiler wants; undefined when it does. */
  #refusal: Error | undefined
  #retryMs = FIRST_RETRY_MS
  #isTidying = false

  constructor(parts: EnforcerParts) {
    this.#parts = parts
  }

  /** Which content of the source the kernel enforces, where it has such; undefined while the kernel lags behind. */
  get revision(): string | undefined {
    return this.#refusal === undefined ? this.#revision : undefined
  }

  get refusal(): Error | undefined {
    return this.#refusal
  }

  /**
   * Takes what a source says. Never rejects: what the kernel refuses is tried again until it is in force.
   *
   * @param change makes the change to the cluster state
   */
  async tell(change: (state: ClusterState) => ClusterEvent[], revision?: string): Promise<void> {
    await this.#inTurn(async () => {
      await this.#enforceAll(change(this.#parts.state)).catch(() => undefined)
      this.#revision = revision ?? this.#revision
    })
  }

  /** From here on, what is told is in force. `establish` brings what was gathered into force. */
  begin(establish: () => Promise<Force>): Promise<Dataplane> {
    return this.#inTurn(async () => {
      this.#force = await establish()
      this.#parts.onInForce?.()
      this.#force.revocation.sweep('all')
      return this.#force.dataplane
    })
  }

  /** Changes something else of the data plane, in turn; what is not in force yet is not changed. */
  async alter(change: (dataplane: Dataplane) => Promise<void>): Promise<void> {
    await this.#inTurn(async () => {
      if (this.#force !== undefined) await change(this.#force.dataplane)
    })
  }

  /**
   * Lets somebody put right, in turn, what others have changed in the kernel. Where something was wrong, packets had
   * other verdicts meanwhile: all connections are looked at again.
   *
   * @param mend returns whether something was wrong
   */
  async repair(mend: (force: Force) => Promise<boolean>): Promise<void> {
    await this.#inTurn(async () => {
      if (this.#force === undefined || !(await mend(this.#force))) return
      this.#force.revocation.sweep('all')
      // Perhaps it was for this that the kernel refused a change.
      if (this.#refusal !== undefined) await this.#enforce([]).catch(() => undefined)
    })
  }

  lastTold(pod: PodIdentity): LastTold | undefined {
    const told = this.#parts.state.told(pod)
    return told && lastToldOf(told)
  }

  /**
   * @throws {CniError} tryAgainLater for a pod that nobody has told of yet, where such are refused
   * @throws {DataplaneError} when the kernel refuses
   */
  async attach(attachment: Attachment): Promise<void> {
    const { node, state } = this.#parts
    // Not in turn: the source may take its time to answer.
    const found = await this.#askFor(attachment)
    await this.#inTurn(async () => {
      const { dataplane, revocation } = this.#inForce()
      const { id, pod, addresses, wiredBy } = attachment
      // Ours were forgotten when they became free, and since then no packet for them went past the node.
      const isOurs = wiredBy === 'sluice'
      if (!isOurs) await revocation.forget(isOneOf(addresses))
      const { events, known } = state.attach({ id, ...pod, node, addresses })
      const told = known || found === undefined ? [] : state.apply([found])
      if (!known && told.length === 0) this.#mayBeUnknown(attachment)
      const place = placeOf(attachment)
      const scope = isOurs
        ? { concerned: this.#olderAddresses([attachment]), silent: new Set(addresses), place }
        : {}
      await this.#enforce([...events, ...told], scope)
      // Unless it went with its policy.
      await dataplane.attach(place)
      const bridged = bridgedPodOf(attachment)
      if (bridged !== undefined) this.#inForce().bridges?.add(bridged)
      await revocation.divert(place.hostPorts)
    })
  }

  /** A kernel that refuses what policy wants does not keep a pod from leaving. */
  async detach(attachments: readonly Attachment[]): Promise<void> {
    const own: Address[] = []
    for (let from = 0; from < attachments.length; from += LEAVING_AT_ONCE) {
      // A hundred pods take 150 ms: whoever comes meanwhile gets in between.
      if (from > 0) await this.#parts.yieldToOthers()
      own.push(...(await this.#takeOut(attachments.slice(from, from + LEAVING_AT_ONCE))))
    }
    // Not in turn: nobody gets these addresses before, and others need not wait for it.
    await this.#inForce().revocation.forget(isOneOf(own))
  }

  /** @throws {CniError} tryAgainLater before `begin` */
  check(attachment: Attachment): Promise<readonly string[]> {
    return this.#inTurn(async () => {
      const { inspectPod, bridges } = this.#inForce()
      const bridged = bridgedPodOf(attachment)
      const lag = this.#refusal === undefined ? [] : [this.#refusal.message]
      const unguarded = (bridged && bridges?.check(bridged)) ?? []
      return [...lag, ...inspectPod(placeOf(attachment)), ...unguarded]
    })
  }

  /** Takes the policy of these out of the kernel. Returns the addresses that were theirs. */
  #takeOut(attachments: readonly Attachment[]): Promise<readonly Address[]> {
    const { state } = this.#parts
    return this.#inTurn(async () => {
      const { dataplane, bridges } = this.#inForce()
      const events = attachments.flatMap(({ id }) => state.detach(id))
      // What is refused is tried again; no ADD succeeds before, so nobody else can get the addresses meanwhile.
      const concerned = this.#olderAddresses(attachments)
      await this.#enforce(events, { concerned, silent: silentOf(attachments) }).catch(
        () => undefined,
      )
      await dataplane.settle()
      const { locals } = dataplane.state
      const own = attachments.flatMap(({ addresses, hostInterface }) =>
        addresses.filter((address) => (locals.get(address) ?? hostInterface) === hostInterface),
      )
      for (const { bridgePort } of attachments) {
        if (bridgePort !== undefined) bridges?.remove(bridgePort.name)
      }
      await dataplane.detach(own)
      return own
    })
  }

  /** What the source says of a pod that it has not told of by itself. */
  async #askFor(attachment: Attachment): Promise<SourceChange | undefined> {
    const told = this.#parts.state.cluster.pods.get(keyOf(attachment.pod))
    if (told !== undefined && !told.stranger && told.uid === attachment.pod.uid) return undefined
    return this.#force?.lookUp?.(attachment).catch(() => undefined)
  }

  #mayBeUnknown(attachment: Attachment): void {
    const { state, unknownPods } = this.#parts
    if (unknownPods === 'isolate' || !this.#hasPolicy(attachment.pod.namespace)) return
    state.detach(attachment.id)
    throw new CniError(
      'tryAgainLater',
      `Pod ${describe(attachment)} is not known on this node yet, and its namespace has policies that may name its labels`,
    )
  }

  #hasPolicy(namespace: string): boolean {
    const policies = this.#parts.state.cluster.policies.values()
    return policies.some((policy) => policy.namespace === namespace)
  }

  #inForce(): Force {
    if (this.#force !== undefined) return this.#force
    throw new CniError('tryAgainLater', 'This agent has not brought its policies into force yet')
  }

  /**
   * What coming and going of attachments can take allowances from: other addresses that the same pods have. Those
   * that come have no connections yet, those that go are forgotten as a whole, and no one else's verdicts change.
   */
  #olderAddresses(attachments: readonly Attachment[]): ReadonlySet<Address> {
    const { pods } = this.#parts.state.cluster
    const all = attachments.flatMap(({ pod }) => pods.get(keyOf(pod))?.addresses ?? [])
    return new Set(all).difference(new Set(attachments.flatMap(({ addresses }) => addresses)))
  }

  /** Where pods are that came without us is part of it. */
  async #enforceAll(events: readonly ClusterEvent[]): Promise<void> {
    await this.#enforce(events)
    if (events.length > 0) await this.#force?.unattached?.follow(this.#force.dataplane)
  }

  async #enforce(events: readonly ClusterEvent[], scope: Scope = {}): Promise<void> {
    const { compiler } = this.#parts
    if (this.#force === undefined) {
      compiler.apply(events)
      return
    }
    const { dataplane, revocation } = this.#force
    try {
      if (this.#refusal === undefined) await this.#commit(events, this.#force, scope)
      else {
        // The kernel is behind by more than these changes.
        compiler.apply(events)
        revocation.sweep(await dataplane.reconcile(compiler.tables()))
      }
      this.#refusal = undefined
      this.#retryMs = FIRST_RETRY_MS
      this.#parts.onInForce?.()
    } catch (error) {
      this.#refuse(error instanceof Error ? error : new Error(String(error)))
      throw error
    }
  }

  /** Each change as the compiler finds it: a policy that is the first to name all pods of a large cluster moves them all. */
  async #commit(
    events: readonly ClusterEvent[],
    { dataplane, revocation }: Force,
    { concerned, silent = new Set(), place }: Scope,
  ): Promise<void> {
    const { compiler, yieldToOthers } = this.#parts
    for (const step of joinSilent(compiler.steps(events), silent)) {
      if (step === 'pause') await yieldToOthers()
      else {
        const touched = await dataplane.apply(step, silent, place)
        revocation.sweep(concerned ?? touched)
      }
    }
    if (!this.#isTidying) void this.#tidy(dataplane)
  }

  /** Takes away what changes have left over for packets on their way, whose end nobody waits for in turn. */
  async #tidy(dataplane: Dataplane): Promise<void> {
    this.#isTidying = true
    try {
      while (!dataplane.isCalm) {
        await dataplane.outlive()
        await this.#inTurn(() => dataplane.tidy())
      }
    } catch (error) {
      this.#refuse(error instanceof Error ? error : new Error(String(error)))
    } finally {
      this.#isTidying = false
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

/** Those whose own links have gone before. Others wire with links of their own. */
function silentOf(attachments: readonly Attachment[]): ReadonlySet<Address> {
  const ours = attachments.filter(({ wiredBy }) => wiredBy === 'sluice')
  return new Set(ours.flatMap(({ addresses }) => addresses))
}

function isOneOf(addresses: readonly Address[]): (address: Address) => boolean {
  const all = new Set(addresses)
  return (address) => all.has(address)
}
