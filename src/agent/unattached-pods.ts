import type { Dataplane } from '../dataplane/dataplane.ts'
import type { Address } from '../policy/address.ts'

export interface UnattachedPodsParts {
  /** Of pods of this node that came without us. */
  readonly addresses: () => ReadonlySet<Address>
  /** Whether an attachment has it, which then says where it is. */
  readonly isAttached: (address: Address) => boolean
  /** By which the node reaches it directly; undefined where it does not. */
  readonly findInterface: (address: Address) => string | undefined
}

/**
 * Where pods are that were there before Sluice came, as far as the node's routes tell. Policy holds for them by
 * their addresses alone; where the interface is known, nobody else can send from these.
 */
export class UnattachedPods {
  readonly #parts: UnattachedPodsParts
  #held: ReadonlyMap<Address, string> = new Map()

  constructor(parts: UnattachedPodsParts) {
    this.#parts = parts
  }

  /** Looks again, and says where each is. */
  locate(): ReadonlyMap<Address, string> {
    const found = new Map<Address, string>()
    for (const address of this.#parts.addresses()) {
      const name = this.#held.get(address) ?? this.#parts.findInterface(address)
      if (name !== undefined) found.set(address, name)
    }
    this.#held = found
    return found
  }

  /** Looks again, and brings what has changed into force. @throws {DataplaneError} */
  async follow(dataplane: Dataplane): Promise<void> {
    const before = this.#held
    const now = this.locate()
    const gone = [...before.keys()].filter(
      (address) => !now.has(address) && !this.#parts.isAttached(address),
    )
    if (gone.length > 0) await dataplane.detach(gone)
    for (const [address, hostInterface] of now) {
      if (before.has(address)) continue
      await dataplane.attach({ addresses: [address], hostInterface, hostPorts: [] })
    }
  }
}
