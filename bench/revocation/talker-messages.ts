export const TCP_PORT = 5000
export const UDP_PORT = 5001

export type TalkerQuestion =
  /** Answers on both ports, in both families, for ever. */
  | { readonly kind: 'serve' }
  /** One TCP connection and one UDP flow, each of which both ends fill with a byte every millisecond. */
  | { readonly kind: 'open'; readonly from: string; readonly to: string }
  /** Of the last connection and the last flow. */
  | { readonly kind: 'report' }
  /** No more of them. */
  | { readonly kind: 'end' }

/** What one end has received. */
export interface Received {
  readonly count: number
  /** Milliseconds of the monotonic clock; 0 before the first. */
  readonly lastAtMs: number
}

export interface TalkerReport {
  readonly kind: 'report'
  readonly tcp: Received
  readonly udp: Received
  /** The connection's error, `closed` without one; undefined while it is open. */
  readonly tcpEnd: string | undefined
}

export type TalkerAnswer = { readonly kind: 'done' } | TalkerReport
