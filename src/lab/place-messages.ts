/** Protocols that a probe can speak. */
export type ProbeProtocol = 'TCP' | 'UDP' | 'SCTP' | 'ICMP'

/** What answers at an address of a place. ICMP needs no service: the kernel answers echo requests. */
export interface Service {
  readonly protocol: Exclude<ProbeProtocol, 'ICMP'>
  readonly address: string
  readonly port: number
}

/** One packet to send, and how long an answer is waited for. */
export interface Knock {
  readonly protocol: ProbeProtocol
  /** Source address, one of the place's own. */
  readonly from: string
  readonly to: string
  /** Of the destination; undefined for ICMP. */
  readonly port: number | undefined
  readonly timeoutMs: number
}

/** What became of a knock. */
export type Outcome =
  /** The packet arrived: `by` names the place that answered (for ICMP, the address). */
  | { readonly kind: 'answered'; readonly by: string }
  /** No answer, or a refusal on the way; `detail` says which. */
  | { readonly kind: 'unanswered'; readonly detail: string }
  /** It never left: a fault of the lab, not an answer of the network. */
  | { readonly kind: 'unsent'; readonly detail: string }

/** How a long-lived connection ended. Times are milliseconds since the epoch. */
export interface StreamEnd {
  /** When the last echo came back. */
  readonly lastEchoAtMs: number
  readonly endedAtMs: number
  /** `ECONNRESET`, or `closed` for an orderly end. */
  readonly how: string
}

/** What a place's thread can be asked to do; each is answered once. */
export type Question =
  /** Answered with 'done' once all listen; those that already do are left alone. */
  | { readonly kind: 'listen'; readonly services: readonly Service[] }
  /** Answered with 'outcome'. */
  | { readonly kind: 'knock'; readonly knock: Knock }
  /** Opens a TCP connection that echoes a byte every few milliseconds: 'done' after the first echo. */
  | { readonly kind: 'openStream'; readonly knock: Knock }
  /** Answered with 'streamEnd' when that connection has ended. */
  | { readonly kind: 'awaitStreamEnd' }

export type Answer =
  | { readonly kind: 'done' }
  | { readonly kind: 'outcome'; readonly outcome: Outcome }
  | { readonly kind: 'streamEnd'; readonly end: StreamEnd }
  | { readonly kind: 'error'; readonly message: string }

/** How questions and answers cross between threads. */
export interface Numbered<Message> {
  readonly id: number
  readonly message: Message
}

/** What the thread is told at its start. */
export interface PlaceData {
  /** Given back to whoever knocks, so that an answer tells who answered. */
  readonly name: string
  /** Path of the network namespace. */
  readonly netns: string
}
