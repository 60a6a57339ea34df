import { keyOf } from '../../policy/model.ts'
import type { Gone, ObjectKind, SourceChange, Subject } from '../source-change.ts'
import { subjectOf } from '../source-change.ts'

/** Which objects of one kind have been told, so that a new list shows which of them are gone. */
export class Inventory {
  /** By key: the last list that the object was told in, or after. */
  readonly #told = new Map<string, number>()
  readonly #object: ObjectKind
  #round = 0

  constructor(object: ObjectKind) {
    this.#object = object
  }

  get size(): number {
    return this.#told.size
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
    const { key } = subjectOf(change)
    if (change.kind === 'gone') this.#told.delete(key)
    else this.#told.set(key, this.#round)
  }

  /** Notes an object that was asked for alone, by a request made in `round`: every later list knows better. */
  noteAsked(change: SourceChange, round: number): void {
    const { key } = subjectOf(change)
    if (change.kind !== 'gone' && !this.#told.has(key)) this.#told.set(key, round)
  }

  /** The list is complete: takes out what it did not tell, one by one as they are asked for. */
  *takeGone(): Generator<Gone> {
    for (const [key, round] of this.#told) {
      if (round === this.#round) continue
      this.#told.delete(key)
      yield { kind: 'gone', subject: subjectFor(this.#object, key) }
    }
  }
}

function subjectFor(object: ObjectKind, key: string): Subject {
  if (object === 'namespace' || object === 'node') return { object, key }
  const slash = key.indexOf('/')
  return { object, key: keyOf({ namespace: key.slice(0, slash), name: key.slice(slash + 1) }) }
}
