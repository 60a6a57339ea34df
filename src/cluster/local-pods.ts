import type { Address } from '../policy/address.ts'
import { keyOf } from '../policy/model.ts'
import type { ObjectKey, Pod } from '../policy/model.ts'

/** An interface that a CNI ADD gave to a pod of this node, until its DEL. */
export interface LocalAttachment {
  /** Tells attachments apart: a pod whose sandbox is made anew has two for a while. */
  readonly id: string
  readonly namespace: string
  readonly name: string
  /** `K8S_POD_UID`; '' where it is not known or must not be compared (static pods). */
  readonly uid: string
  readonly node: string
  readonly addresses: readonly Address[]
  /** What the source told an earlier agent of it; whatever it says now comes first. */
  readonly lastTold?: ToldPod | undefined
}

/** What policy needs of a pod that only the source can tell. */
export type ToldPod = Pick<Pod, 'labels' | 'namedPorts'>

/**
 * Pods that run on this node, whatever the source says of them: one lasts from ADD to DEL, with what the
 * source said of it last. A source pod of the same name but another uid is another pod.
 */
export class LocalPods {
  readonly #pods = new Map<ObjectKey, LocalPod>()
  readonly #keys = new Map<string, ObjectKey>()
  readonly #onTold: (id: string, told: ToldPod) => void

  /** `onTold` hears what the source says of the very pod that an attachment is of, news or not. */
  constructor(onTold: (id: string, told: ToldPod) => void = () => {}) {
    this.#onTold = onTold
  }

  has(key: ObjectKey): boolean {
    return this.#pods.has(key)
  }

  /** Whether an attachment has this address. */
  holds(address: Address): boolean {
    return this.#pods
      .values()
      .some(({ attachments }) => attachments.some(({ addresses }) => addresses.includes(address)))
  }

  /** Whether the source has told of the pod that was attached last. */
  isKnown(key: ObjectKey): boolean {
    return this.#pods.get(key)?.attachments.at(-1)?.known !== undefined
  }

  /** The pod that an attachment is of. */
  keyOf(id: string): ObjectKey | undefined {
    return this.#keys.get(id)
  }

  /**
   * `source` = the pod of this name as the source has it. An attachment of the pod that has this id already
   * is replaced; that of another pod must have been detached.
   */
  attach(attachment: LocalAttachment, source: Pod | undefined): void {
    const key = keyOf(attachment)
    const pod = this.#pods.get(key) ?? { source, attachments: [] }
    const before = pod.attachments.find(({ id }) => id === attachment.id)
    const known = before?.uid === attachment.uid ? before.known : asLastTold(attachment)
    pod.attachments = pod.attachments.filter((one) => one !== before)
    pod.attachments.push({ ...attachment, known })
    this.#keys.set(attachment.id, key)
    this.#pods.set(key, pod)
    this.setSource(key, pod.source)
  }

  /** @returns the pod that it was an attachment of, and what the source says of that name. */
  detach(id: string): { key: ObjectKey; source: Pod | undefined } | undefined {
    const key = this.#keys.get(id)
    const pod = key === undefined ? undefined : this.#pods.get(key)
    if (key === undefined || pod === undefined) return undefined
    this.#keys.delete(id)
    pod.attachments = pod.attachments.filter((attachment) => attachment.id !== id)
    if (pod.attachments.length === 0) this.#pods.delete(key)
    return { key, source: pod.source }
  }

  setSource(key: ObjectKey, source: Pod | undefined): void {
    const pod = this.#pods.get(key)
    if (pod === undefined) return
    pod.source = source
    for (const attachment of pod.attachments) {
      if (source === undefined || !isSameLife(attachment, source)) continue
      attachment.known = source
      this.#onTold(attachment.id, source)
    }
  }

  /** The local pod as policy must see it: with the addresses that it was given here. */
  podAt(key: ObjectKey): Pod | undefined {
    const attachments = this.#pods.get(key)?.attachments
    const last = attachments?.at(-1)
    if (attachments === undefined || last === undefined) return undefined
    // Finished or not for the source, it has its addresses until DEL.
    const { addressless: _, ...pod } = last.known ?? strangerOf(last)
    return {
      ...pod,
      uid: last.uid || (last.known?.uid ?? ''),
      node: last.node,
      addresses: attachments.flatMap(({ addresses }) => addresses),
      local: true,
    }
  }
}

interface LocalPod {
  source: Pod | undefined
  /** Oldest first; `known` is what the source last said of this very pod. */
  attachments: (LocalAttachment & { known: Pod | undefined })[]
}

/** Of two pods of one name: whether they are one pod, as far as uids tell. */
export function isSameLife(one: Pick<Pod, 'uid'>, other: Pick<Pod, 'uid'>): boolean {
  return one.uid === '' || other.uid === '' || one.uid === other.uid
}

function asLastTold(attachment: LocalAttachment): Pod | undefined {
  if (attachment.lastTold === undefined) return undefined
  const { stranger: _, ...pod } = strangerOf(attachment)
  const { labels, namedPorts } = attachment.lastTold
  return { ...pod, labels, namedPorts }
}

/** A pod of which only the attachment is known. */
function strangerOf({ namespace, name, uid, node, addresses }: LocalAttachment): Pod {
  return {
    namespace,
    name,
    uid,
    node,
    addresses,
    labels: new Map(),
    namedPorts: [],
    createdAt: 0,
    local: true,
    stranger: true,
  }
}
