import { Worker } from 'node:worker_threads'
import { askThread } from '../../test/kernel/ask-thread.ts'
import type { TalkerAnswer, TalkerQuestion, TalkerReport } from './talker-messages.ts'

/** A pod that talks: a thread in its namespace. One question at a time. */
export class Talker {
  readonly #worker: Worker

  /** @param netns path of the pod's namespace */
  constructor(netns: string) {
    this.#worker = new Worker(new URL('./talker-worker.ts', import.meta.url), { workerData: netns })
  }

  async serve(): Promise<void> {
    await this.#ask({ kind: 'serve' })
  }

  async open(from: string, to: string): Promise<void> {
    await this.#ask({ kind: 'open', from, to })
  }

  async report(): Promise<TalkerReport> {
    const answer = await this.#ask({ kind: 'report' })
    if (answer.kind === 'report') return answer
    throw new Error(`A talker was asked for its report and answered ${answer.kind}.`)
  }

  async end(): Promise<void> {
    await this.#ask({ kind: 'end' })
  }

  async close(): Promise<void> {
    await this.#worker.terminate()
  }

  #ask(question: TalkerQuestion): Promise<TalkerAnswer> {
    return askThread(this.#worker, question)
  }
}
