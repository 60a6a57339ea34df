import type { Address } from '../../src/policy/address.ts'
import { type Datagrams, openDatagrams } from './datagrams.ts'

export interface FlowEnd {
  readonly netns: string
  readonly address: Address
}

/** New UDP flows one after the other, one datagram each from a port of its own. */
export class NewFlows {
  readonly #server: Datagrams
  readonly #timer: NodeJS.Timeout
  #sent = 0
  #arrived = 0

  /** @param everyMs between two flows */
  constructor(from: FlowEnd, to: FlowEnd, port: number, everyMs: number) {
    this.#server = openDatagrams(to.netns, { address: to.address, port })
    this.#timer = setInterval(() => {
      // The kernel picks a free port.
      const client = openDatagrams(from.netns, { address: from.address, port: 0 })
      client.send({ address: to.address, port })
      client.close()
      this.#sent++
      this.#arrived += this.#server.arrived()
    }, everyMs)
  }

  get sent(): number {
    return this.#sent
  }

  get arrived(): number {
    this.#arrived += this.#server.arrived()
    return this.#arrived
  }

  /** No more flows; those that arrived can be asked for until `close`. */
  stop(): void {
    clearInterval(this.#timer)
  }

  close(): void {
    this.stop()
    this.#server.close()
  }
}
