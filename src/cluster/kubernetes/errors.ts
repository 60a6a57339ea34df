import { type Json, listAt, memberAt, objectAt, textAt } from '../json.ts'

/** Where an API server says no: as the status of its answer, or as an ERROR event in a watch. */
export type RefusalPlace =
  | { readonly in: 'answer'; readonly retryAfterMs?: number }
  | { readonly in: 'watch' }

/** The API server says no. */
export class ApiError extends Error {
  /** An HTTP status; `reason` is that of the API's `Status` object ('' without one). */
  readonly code: number
  readonly reason: string
  readonly place: RefusalPlace
  /** The version that was asked for is one that the server has not reached, as after a restore of etcd. */
  readonly versionIsAhead: boolean

  constructor(code: number, status: Json | undefined, place: RefusalPlace) {
    const reason = textAt(status, 'reason')
    const said = textAt(status, 'message') || reason || 'it gives no reason'
    super(`The API server refuses with ${code}: ${said}.`)
    this.name = 'ApiError'
    this.code = code
    this.reason = reason
    this.place = place
    const causes = listAt(objectAt(status, 'details'), 'causes')
    this.versionIsAhead = causes.some(
      (cause) => memberAt(cause, 'reason') === 'ResourceVersionTooLarge',
    )
  }
}

/** What came is not what the API defines. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError'
}

/** The connection ended in the middle of something, or not a byte came for too long. */
export class BrokenConnection extends Error {
  override readonly name = 'BrokenConnection'
  readonly cut: 'dropped' | 'quiet'

  constructor(cut: BrokenConnection['cut'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.cut = cut
  }
}
