/** Stable codes of everything that this folder throws. */
export type NftablesErrorCode =
  /** A value is not one of its data type. */
  | 'NFT_VALUE'
  /** A rule, set or element cannot be said in nftables. */
  | 'NFT_STATEMENT'
  /** The kernel refused an operation; nothing of the transaction is in force. */
  | 'NFT_REFUSED'
  /** What the kernel holds is not what was expected of it. */
  | 'NFT_DUMP'

export class NftablesError extends Error {
  override readonly name = 'NftablesError'
  readonly code: NftablesErrorCode
  /** The kernel's error name (`EEXIST`), where it refused. */
  readonly errno: string | undefined
  /** What it refused: `element in map pod_class4 of table inet sluice`. */
  readonly object: string | undefined

  constructor(
    code: NftablesErrorCode,
    message: string,
    details: { readonly errno?: string; readonly object?: string; readonly cause?: unknown } = {},
  ) {
    super(message, { cause: details.cause })
    this.code = code
    this.errno = details.errno
    this.object = details.object
  }
}
