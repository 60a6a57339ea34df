import { keyOf } from '../../policy/model.ts'
import type { Gone, ObjectKind, SourceChange, Subject } from '../source-change.ts'

/** Which objects of one kind have been told, so that a new list shows which of them are gone. */
export class Inventory {
  /**
   * By namespace ('' for kinds that have none), then name: the last list that the object was told in, or after.
   * Keys of both would be 100 bytes more for each pod, while these are the pod's own strings.
   */
  readonly #told = new Map<string, Map<string, number>>()
  readonly #object: ObjectKind
  #round = 0
  #size = 0

  constructor(object: ObjectKind) {
    this.#object = object
  }

  get size(): number {
    return this.#size
  }

  /** Which list is in force or being read; for `noteAsked`. */
  get round(): number {
    return this.#round
  }

  /** A list begins: what is not told from here on is gone when it ends. */
  begin(): void {
    this.#round += 1
  }

  note(change: SourceChange): void {
    const name = nameOf(change)
    if (change.kind === 'gone') this.#forget(name)
    else this.#put(name, this.#round)
  }

  /** Notes an object that was asked for alone, by a request made in `round`: every later list knows better. */
  noteAsked(change: SourceChange, round: number): void {
    const name = nameOf(change)
    const isTold = this.#told.get(name.namespace)?.has(name.name) === true
    if (change.kind !== 'gone' && !isTold) this.#put(name, round)
  }

  /** The list is complete: takes out what it did not tell, one by one as they are asked for. */
  *takeGone(): Generator<Gone> {
    for (const [namespace, rounds] of this.#told) {
      for (const [name, round] of rounds) {
        if (round === this.#round) continue
        this.#forget({ namespace, name })
        yield { kind: 'gone', subject: subjectFor(this.#object, { namespace, name }) }
      }
    }
  }

  #put({ namespace, name }: Name, round: number): void {
    let rounds = this.#told.get(namespace)
    if (rounds === undefined) {
      rounds = new Map()
      this.#told.set(namespace, rounds)
    }
    if (!rounds.has(name)) this.#size += 1
    rounds.set(name, round)
  }

  #forget({ namespace, name }: Name): void {
    const rounds = this.#told.get(namespace)
    if (rounds?.delete(name) !== true) return
    this.#size -= 1
    if (rounds.size === 0) this.#told.delete(namespace)
  }
}

interface Name {
  readonly namespace: string
  readonly name: string
}

function nameOf(change: SourceChange): Name {
  switch (change.kind) {
    case 'pod':
      return change.pod
    case 'policy':
      return change.policy
    case 'namespace':
      return { namespace: '', name: change.namespace.name }
    case 'node':
      return { namespace: '', name: change.name }
    case 'gone':
    case 'refused':
      return split(change.subject)
  }
}

function split({ object, key }: Subject): Name {
  if (object === 'namespace' || object === 'node') return { namespace: '', name: key }
  const slash = key.indexOf('/')
  return { namespace: key.slice(0, slash), name: key.slice(slash + 1) }
}

function subjectFor(object: ObjectKind, name: Name): Subject {
  if (object === 'namespace' || object === 'node') return { object, key: name.name }
  return { object, key: keyOf(name) }
}
