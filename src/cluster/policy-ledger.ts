import type { ObjectKey } from '../policy/model.ts'
import type { ObjectVersion } from './object-version.ts'
import type { RefusedObject, ToldPolicy } from './state.ts'

/** How one policy stands on this node. */
export interface PolicyStanding {
  readonly namespace: string
  readonly name: string
  /**
   * - `live`: the kernel enforces what the source told last
   * - `accepted`: it does not yet
   * - `refused`: what the source told last cannot be used
   * - `leaving`: the source has it no more, and the kernel still enforces it
   */
  readonly state: 'live' | 'accepted' | 'refused' | 'leaving'
  /** What the source told last; null once it is gone there. */
  readonly version: ObjectVersion | null
  /** What the kernel enforces, and since when this agent knows it to (ISO 8601); null: no version of it. */
  readonly live: { readonly version: ObjectVersion; readonly since: string } | null
  /** Why it is refused, a sentence for each field, and what holds instead. */
  readonly refused: Pick<RefusedObject, 'problems' | 'inForce'> | null
}

interface Entry {
  told: ObjectVersion | undefined
  /** What the compiler has: the version told last, or the last one that was not refused. */
  accepted: ObjectVersion | undefined
  refused: RefusedObject | undefined
  live: { readonly version: ObjectVersion; readonly since: Date } | undefined
}

/** Of each policy: which version the source has told, and which one the kernel enforces. */
export class PolicyLedger {
  readonly #now: () => Date
  readonly #entries = new Map<ObjectKey, Entry>()
  /** Told since the kernel last held everything. */
  readonly #unsettled = new Set<ObjectKey>()

  constructor(now: () => Date) {
    this.#now = now
  }

  tell({ key, version, refused }: ToldPolicy): void {
    const entry = this.#entries.get(key)
    const accepted = refused === undefined ? version : acceptedBefore(refused, entry)
    this.#entries.set(key, { told: version, accepted, refused, live: entry?.live })
    this.#unsettled.add(key)
  }

  /** The kernel holds all that was told so far. */
  settle(): void {
    if (this.#unsettled.size === 0) return
    const since = this.#now()
    for (const key of this.#unsettled) {
      const entry = this.#entries.get(key)
      if (entry?.told === undefined) this.#entries.delete(key)
      else settleEntry(entry, since)
    }
    this.#unsettled.clear()
  }

  /** Of one policy; none where nobody has told of it. */
  of(key: ObjectKey): PolicyStanding[] {
    const entry = this.#entries.get(key)
    return entry === undefined ? [] : [standing(key, entry)]
  }

  /** How many are in each state. */
  count(): Record<PolicyStanding['state'], number> {
    const counts = { live: 0, accepted: 0, refused: 0, leaving: 0 }
    for (const entry of this.#entries.values()) counts[stateOf(entry)] += 1
    return counts
  }

  /** Of all policies, by namespace and name; whoever takes them may do other things in between. */
  *list(): Generator<PolicyStanding> {
    for (const key of [...this.#entries.keys()].sort()) yield* this.of(key)
  }
}

function acceptedBefore({ inForce }: RefusedObject, entry: Entry | undefined): Entry['accepted'] {
  return inForce === 'last accepted version' ? entry?.accepted : undefined
}

/** A version that is told again has been in force since it first was. */
function settleEntry(entry: Entry, since: Date): void {
  const { accepted, live } = entry
  if (accepted === undefined) entry.live = undefined
  else if (live === undefined || !isSame(live.version, accepted)) {
    entry.live = { version: accepted, since }
  }
}

function standing(key: ObjectKey, entry: Entry): PolicyStanding {
  const { told, refused, live } = entry
  const slash = key.indexOf('/')
  return {
    namespace: key.slice(0, slash),
    name: key.slice(slash + 1),
    state: stateOf(entry),
    version: told ?? null,
    live: live === undefined ? null : { version: live.version, since: live.since.toISOString() },
    refused:
      refused === undefined ? null : { problems: refused.problems, inForce: refused.inForce },
  }
}

function stateOf({ told, refused, live }: Entry): PolicyStanding['state'] {
  if (told === undefined) return 'leaving'
  if (refused !== undefined) return 'refused'
  return live !== undefined && isSame(live.version, told) ? 'live' : 'accepted'
}

function isSame(a: ObjectVersion, b: ObjectVersion): boolean {
  if ('digest' in a) return 'digest' in b && a.digest === b.digest
  return 'uid' in b && a.uid === b.uid && a.generation === b.generation
}
