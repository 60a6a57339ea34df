/** Bytes from the kernel that are not what their table says. `attribute` is the kernel's name of the place. */
export class NetlinkDecodeError extends Error {
  override readonly name = 'NetlinkDecodeError'
  readonly code = 'NETLINK_DECODE'
  readonly attribute: string

  constructor(attribute: string, problem: string) {
    super(`${attribute} from the kernel cannot be read: ${problem}`)
    this.attribute = attribute
  }
}

/** A value that does not fit its attribute: a mistake of the caller, found before anything is sent. */
export class NetlinkEncodeError extends Error {
  override readonly name = 'NetlinkEncodeError'
  readonly code = 'NETLINK_ENCODE'
  readonly attribute: string

  constructor(attribute: string, problem: string) {
    super(`${attribute} cannot be sent to the kernel: ${problem}`)
    this.attribute = attribute
  }
}

/** One request that the kernel refused. */
export interface Refusal {
  /** Such as `ENOENT`. */
  readonly code: string
  /** Positive. */
  readonly errno: number
  /** Its message type, such as `NFT_MSG_NEWSETELEM`. */
  readonly request: string
  /** Its place among the requests sent together; -1 when it was the batch as a whole. */
  readonly index: number
  /** The kernel's own words (NLMSGERR_ATTR_MSG). */
  readonly text: string | undefined
  /** Path of the attribute that it refused (NLMSGERR_ATTR_OFFS). */
  readonly attribute: string | undefined
  /** Path of the attribute that it missed (NLMSGERR_ATTR_MISS_TYPE). */
  readonly missing: string | undefined
}

/** The kernel refused one request or several that were sent together. */
export class NetlinkError extends Error {
  override readonly name = 'NetlinkError'
  /** Of the first refusal, as are the fields below. */
  readonly code: string
  readonly errno: number
  readonly request: string
  readonly index: number
  readonly text: string | undefined
  readonly attribute: string | undefined
  readonly missing: string | undefined
  /** All of them, in the order of the requests. */
  readonly refusals: readonly [Refusal, ...Refusal[]]

  constructor(refusals: readonly [Refusal, ...Refusal[]]) {
    const [first] = refusals
    super(sentence(first, refusals.length))
    this.code = first.code
    this.errno = first.errno
    this.request = first.request
    this.index = first.index
    this.text = first.text
    this.attribute = first.attribute
    this.missing = first.missing
    this.refusals = refusals
  }
}

/**
 * The exchange itself failed:
 * - `NETLINK_TOO_LARGE`: nothing was sent, the send buffer cannot hold it
 * - `NETLINK_LOST`: answers or notifications were dropped because the receive buffer was full
 * - `NETLINK_NO_ANSWER`: the kernel did not answer a request, or a dump did not end
 * - `NETLINK_INTERRUPTED`: what was dumped changed during every attempt
 * - `NETLINK_BUSY`: another exchange on the same socket has not ended
 */
export class NetlinkSocketError extends Error {
  override readonly name = 'NetlinkSocketError'
  readonly code: NetlinkSocketErrorCode

  constructor(code: NetlinkSocketErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

export type NetlinkSocketErrorCode =
  | 'NETLINK_TOO_LARGE'
  | 'NETLINK_LOST'
  | 'NETLINK_NO_ANSWER'
  | 'NETLINK_INTERRUPTED'
  | 'NETLINK_BUSY'

function sentence(first: Refusal, count: number): string {
  const { code, request, index, text, attribute, missing } = first
  return [
    `The kernel refused ${request}`,
    index > 0 ? ` (number ${index}, counted from 0)` : '',
    ` with ${code}`,
    text === undefined ? '' : `: ${text}`,
    attribute === undefined ? '' : `, at ${attribute}`,
    missing === undefined ? '' : `, for want of ${missing}`,
    count > 1 ? `; it refused ${count - 1} more that were sent with it` : '',
    '.',
  ].join('')
}
