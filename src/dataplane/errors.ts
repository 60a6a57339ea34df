/** What can go wrong between intent and kernel. Codes are stable. */
export type DataplaneErrorCode =
  /** The table in the kernel is not what this program writes. */
  | 'SLUICE_TABLE_DAMAGED'
  /** Another process owns the table, and nobody else may change it. */
  | 'SLUICE_TABLE_OWNED'
  /** The kernel refused a transaction; `cause` is its own error. */
  | 'SLUICE_COMMIT_REFUSED'
  /** The answer to a transaction was lost; `cause` says how. */
  | 'SLUICE_COMMIT_UNCERTAIN'

export class DataplaneError extends Error {
  override readonly name = 'DataplaneError'
  readonly code: DataplaneErrorCode

  constructor(code: DataplaneErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
