import { Worker } from 'node:worker_threads'
import { type Address, formatAddress } from '../../src/policy/address.ts'
import { askThread } from './ask-thread.ts'
import type { TcpAnswer, TcpEnd, TcpQuestion } from './tcp-messages.ts'
import type { Port } from './datagrams.ts'

/** TCP from and to one namespace: a thread in it. One question at a time. */
export class TcpPlace {
  readonly #worker: Worker

  constructor(netns: string) {
    this.#worker = new Worker(new URL('./tcp-worker.ts', import.meta.url), { workerData: netns })
  }

  async listen({ address, port }: Port, talks: boolean): Promise<void> {
    await this.#ask({ kind: 'listen', address: formatAddress(address), port, talks })
  }

  /** Rejects when there is no connection within 3 seconds, or a reset. */
  async connect(from: Address, to: Port, talks: boolean): Promise<void> {
    await this.#ask({
      kind: 'connect',
      from: formatAddress(from),
      to: formatAddress(to.address),
      port: to.port,
      talks,
    })
  }

  /** One byte on every connection. */
  async say(): Promise<void> {
    await this.#ask({ kind: 'say' })
  }

  /** All connections there ever were, in their order. */
  async ends(): Promise<readonly TcpEnd[]> {
    const answer = await this.#ask({ kind: 'ends' })
    return answer.kind === 'ends' ? answer.ends : []
  }

  async close(): Promise<void> {
    await this.#worker.terminate()
  }

  #ask(question: TcpQuestion): Promise<TcpAnswer> {
    return askThread(this.#worker, question)
  }
}
