import type { Address } from '../address.ts'
import type { Draft, SubjectDraft } from './draft.ts'
import type { Direction } from '../model.ts'
import type { Profile } from './profiles.ts'
import type { ClassId, PortSetId, SubjectVerdicts, Tables } from '../tables.ts'

/** Which local address has which profile, in each direction. */
export class Subjects {
  readonly #profiles = {
    ingress: new Map<Address, Profile>(),
    egress: new Map<Address, Profile>(),
  } as const satisfies Record<Direction, unknown>
  readonly #sharing = new Map<Profile, Set<Address>>()

  profileOf(direction: Direction, subject: Address): Profile | undefined {
    return this.#profiles[direction].get(subject)
  }

  /** Rows over all subjects, as the kernel will hold them. */
  countRows(): number {
    let rows = 0
    for (const [profile, subjects] of this.#sharing) rows += profile.rows.size * subjects.size
    return rows
  }

  /** Judges `subject` by another profile from now on; `undefined` = not isolated. */
  assign(direction: Direction, subject: Address, profile: Profile | undefined, draft: Draft): void {
    const before = this.#profiles[direction].get(subject)
    if (before === profile) return
    if (before !== undefined) this.#unshare(before, subject)
    if (profile === undefined) {
      this.#profiles[direction].delete(subject)
      draft.setSubject(direction, subject, undefined)
      return
    }
    this.#profiles[direction].set(subject, profile)
    const sharing = this.#sharing.get(profile)
    if (sharing === undefined) this.#sharing.set(profile, new Set([subject]))
    else sharing.add(subject)
    const change = difference(before, profile)
    if (change !== undefined) draft.setSubject(direction, subject, change)
  }

  /** Notes for every subject of a profile what it now holds for one class. */
  noteRow(profile: Profile, of: ClassId, draft: Draft): void {
    const row = { default: profile.default.id, class: of, portSet: profile.rows.get(of)?.id }
    for (const subject of this.#sharing.get(profile) ?? []) {
      draft.setRow(profile.direction, subject, row)
    }
  }

  verdicts(): Tables['subjects'] {
    const byProfile = new Map<Profile, SubjectVerdicts>()
    for (const profile of this.#sharing.keys()) byProfile.set(profile, verdictsOf(profile))
    const all = (direction: Direction): Map<Address, SubjectVerdicts> => {
      const result = new Map<Address, SubjectVerdicts>()
      for (const [subject, profile] of this.#profiles[direction]) {
        result.set(subject, byProfile.get(profile) ?? verdictsOf(profile))
      }
      return result
    }
    return { ingress: all('ingress'), egress: all('egress') }
  }

  #unshare(profile: Profile, subject: Address): void {
    const sharing = this.#sharing.get(profile)
    if (sharing?.delete(subject) && sharing.size === 0) this.#sharing.delete(profile)
  }
}

function verdictsOf(profile: Profile): SubjectVerdicts {
  const rows = new Map<ClassId, PortSetId>()
  for (const [id, portSet] of profile.rows) rows.set(id, portSet.id)
  return { default: profile.default.id, rows }
}

/** What a subject of `before` needs to become one of `after`; undefined if they are equal. */
function difference(before: Profile | undefined, after: Profile): SubjectDraft | undefined {
  const rows = new Map<ClassId, PortSetId | undefined>()
  for (const [id, portSet] of after.rows) {
    if (before?.rows.get(id) !== portSet) rows.set(id, portSet.id)
  }
  for (const id of before?.rows.keys() ?? []) if (!after.rows.has(id)) rows.set(id, undefined)
  const unchanged = rows.size === 0 && before?.default === after.default
  return unchanged ? undefined : { default: after.default.id, rows }
}
