/** How one end of a TCP connection fares. */
export interface TcpEnd {
  /** The other end, such as `10.0.0.1 4000`, and the own port. */
  readonly remote: string
  readonly port: number
  readonly received: number
  /** Milliseconds since the epoch; 0 before the first byte. */
  readonly lastReceivedAtMs: number
  /** The error's code, or `closed` for an orderly end; undefined while it is open. */
  readonly end: string | undefined
}

export type TcpQuestion =
  /** `talks`: sends a byte every 5 ms on every connection. */
  | {
      readonly kind: 'listen'
      readonly address: string
      readonly port: number
      readonly talks: boolean
    }
  | {
      readonly kind: 'connect'
      readonly from: string
      readonly to: string
      readonly port: number
      readonly talks: boolean
    }
  /** One byte on every connection that is open. */
  | { readonly kind: 'say' }
  | { readonly kind: 'ends' }

export type TcpAnswer =
  | { readonly kind: 'done' }
  | { readonly kind: 'ends'; readonly ends: readonly TcpEnd[] }
