import type { Address } from '../address.ts'
import { type Pod, keyOf } from '../model.ts'

/** Which pod each address belongs to, when several claim it. */
export class Owners {
  readonly #owners = new Map<Address, Pod>()
  /** The other claims to an address, where there are any. */
  readonly #rivals = new Map<Address, readonly Pod[]>()

  of(address: Address): Pod | undefined {
    return this.#owners.get(address)
  }

  addresses(): Iterable<Address> {
    return this.#owners.keys()
  }

  claim(pod: Pod): void {
    for (const address of new Set(pod.addresses)) {
      const owner = this.#owners.get(address)
      if (owner === undefined) {
        this.#owners.set(address, pod)
        continue
      }
      const rivals = this.#rivals.get(address) ?? []
      const wins = beats(pod, owner)
      if (wins) this.#owners.set(address, pod)
      this.#rivals.set(address, [...rivals, wins ? owner : pod])
    }
  }

  /** Takes the claims of `pod` back: the best of the others takes over. */
  yield(pod: Pod): void {
    for (const address of new Set(pod.addresses)) {
      const rivals = this.#rivals.get(address) ?? []
      const others = rivals.filter((rival) => rival !== pod)
      if (this.#owners.get(address) === pod) {
        const heir = others.reduce<Pod | undefined>(
          (best, rival) => (best === undefined || beats(rival, best) ? rival : best),
          undefined,
        )
        if (heir === undefined) this.#owners.delete(address)
        else this.#owners.set(address, heir)
        this.#setRivals(
          address,
          others.filter((rival) => rival !== heir),
        )
      } else this.#setRivals(address, others)
    }
  }

  #setRivals(address: Address, rivals: readonly Pod[]): void {
    if (rivals.length === 0) this.#rivals.delete(address)
    else this.#rivals.set(address, rivals)
  }
}

/** A pod wired here beats all others, then the one created last; uid and name only break ties. */
function beats(a: Pod, b: Pod): boolean {
  if (a.local !== b.local) return a.local
  if (a.createdAt !== b.createdAt) return a.createdAt > b.createdAt
  if (a.uid !== b.uid) return a.uid > b.uid
  return keyOf(a) > keyOf(b)
}
