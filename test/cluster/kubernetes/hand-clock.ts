import { KUBERNETES_SYSTEM } from '../../../src/agent/kubernetes-system.ts'
import type { KubernetesSystem } from '../../../src/cluster/kubernetes/system.ts'

interface Due {
  readonly at: number
  readonly callback: () => void
}

/** Time that passes only when it is told to. */
export class HandClock {
  readonly #due = new Map<NodeJS.Timeout, Due>()
  #now = 0

  readonly system: KubernetesSystem = {
    ...KUBERNETES_SYSTEM,
    now: () => this.#now,
    random: () => 0,
    setTimeout: (callback, delayMs) => {
      // Only its identity is used.
      const timer = setTimeout(() => undefined, 0)
      clearTimeout(timer)
      this.#due.set(timer, { at: this.#now + delayMs, callback })
      return timer
    },
    clearTimeout: (timer) => {
      if (timer !== undefined) this.#due.delete(timer)
    },
  }

  get now(): number {
    return this.#now
  }

  /** How long until each timer is due, the next one first. */
  get pending(): number[] {
    return [...this.#due.values()].map(({ at }) => at - this.#now).sort((a, b) => a - b)
  }

  /** Lets time pass, and what is due in it happen. */
  advance(ms: number): void {
    this.#now += ms
    for (const [timer, { at, callback }] of this.#due) {
      if (at > this.#now || !this.#due.delete(timer)) continue
      callback()
    }
  }
}
