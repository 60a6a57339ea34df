/** Something told apart by its content, written as a key. */
export interface Pooled {
  readonly key: string
  /** How many hold it. Only the pool writes this. */
  holders: number
}

/** One value for each content, alive while somebody holds it. */
export class Pool<V extends Pooled> {
  readonly #values = new Map<string, V>()
  readonly #idle = new Set<V>()

  get size(): number {
    return this.#values.size
  }

  values(): Iterable<V> {
    return this.#values.values()
  }

  /** The value with this key, made if there is none; held until a `drop`. */
  hold(key: string, make: (key: string) => V): V {
    let value = this.#values.get(key)
    if (value === undefined) {
      value = make(key)
      this.#values.set(key, value)
    }
    value.holders++
    return value
  }

  /** The counterpart of one `hold`. The value can be held again until the next `sweep`. */
  drop(value: V): void {
    value.holders--
    if (value.holders === 0) this.#idle.add(value)
  }

  /** Forgets the values that nobody holds, and returns them. */
  sweep(): V[] {
    const gone = [...this.#idle].filter((value) => value.holders === 0)
    for (const value of gone) this.#values.delete(value.key)
    this.#idle.clear()
    return gone
  }
}
