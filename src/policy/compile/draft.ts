import type { Address, Family } from '../address.ts'
import type { Direction } from '../model.ts'
import type { BlockClass, ClassId, PortSetId, SubjectChange, TableChange } from '../tables.ts'

/** A `TableChange` that is being written. */
export class Draft {
  readonly podClasses = new Map<Address, ClassId | undefined>()
  readonly blockClasses: Partial<Record<Family, readonly BlockClass[]>> = {}
  readonly #subjects = {
    ingress: new Map<Address, SubjectDraft | undefined>(),
    egress: new Map<Address, SubjectDraft | undefined>(),
  } as const satisfies Record<Direction, unknown>

  setSubject(direction: Direction, subject: Address, change: SubjectDraft | undefined): void {
    this.#subjects[direction].set(subject, change)
  }

  /** One more row of a subject whose other values stay. */
  setRow(
    direction: Direction,
    subject: Address,
    row: {
      readonly default: PortSetId
      readonly class: ClassId
      readonly portSet: PortSetId | undefined
    },
  ): void {
    let change = this.#subjects[direction].get(subject)
    if (change === undefined) {
      change = { default: row.default, rows: new Map() }
      this.#subjects[direction].set(subject, change)
    }
    change.rows.set(row.class, row.portSet)
  }

  /** The change, or undefined if there is none. */
  finish(
    rest: Pick<TableChange, 'newPortSets' | 'retiredClasses' | 'retiredPortSets'>,
  ): TableChange | undefined {
    const { podClasses, blockClasses } = this
    const subjects = this.#subjects
    const size =
      podClasses.size +
      Object.keys(blockClasses).length +
      subjects.ingress.size +
      subjects.egress.size +
      rest.newPortSets.size +
      rest.retiredClasses.length +
      rest.retiredPortSets.length
    return size === 0 ? undefined : { podClasses, blockClasses, subjects, ...rest }
  }
}

export interface SubjectDraft extends SubjectChange {
  readonly rows: Map<ClassId, PortSetId | undefined>
}
