import { existsSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import type {
  Answer,
  Knock,
  Numbered,
  Outcome,
  PlaceData,
  Question,
  Service,
  StreamEnd,
} from './place-messages.ts'

/** Something with addresses of its own (a pod, a node, the outside world): a thread in its namespace. */
export class Place {
  readonly #name: string
  readonly #worker: Worker
  readonly #waiting = new Map<number, (answer: Answer) => void>()
  #lastId = 0
  #failure: string | undefined

  constructor(data: PlaceData) {
    this.#name = data.name
    this.#worker = new Worker(workerFile(), { workerData: data })
    this.#worker.on('message', ({ id, message }: Numbered<Answer>) => this.#settle(id, message))
    this.#worker.on('error', (error) => this.#fail(error.message))
    this.#worker.on('exit', () => this.#fail('its thread has ended'))
  }

  /** Rejects when an address or port cannot be had. */
  async listen(services: readonly Service[]): Promise<void> {
    await this.#ask({ kind: 'listen', services }, 'done')
  }

  /** Sends one probe from here. */
  async knock(knock: Knock): Promise<Outcome> {
    return (await this.#ask({ kind: 'knock', knock }, 'outcome')).outcome
  }

  /** Opens a TCP connection from here that stays open; one at a time. Rejects if it cannot be had. */
  async openStream(knock: Knock): Promise<void> {
    await this.#ask({ kind: 'openStream', knock }, 'done')
  }

  /** Resolves when the connection of `openStream` has ended. */
  async streamEnd(): Promise<StreamEnd> {
    return (await this.#ask({ kind: 'awaitStreamEnd' }, 'streamEnd')).end
  }

  async close(): Promise<void> {
    await this.#worker.terminate()
  }

  /** Rejects with a sentence that names the place. */
  #ask<Kind extends Answer['kind']>(
    question: Question,
    expected: Kind,
  ): Promise<Extract<Answer, { kind: Kind }>> {
    return new Promise((resolve, reject) => {
      const id = ++this.#lastId
      this.#waiting.set(id, (answer) => {
        if (isKind(answer, expected)) resolve(answer)
        else reject(new Error(`${this.#name}: ${faultOf(answer)}.`))
      })
      if (this.#failure !== undefined) return this.#fail(this.#failure)
      this.#worker.postMessage({ id, message: question } satisfies Numbered<Question>)
    })
  }

  #settle(id: number, answer: Answer): void {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    waiting?.(answer)
  }

  #fail(message: string): void {
    this.#failure ??= message
    for (const id of this.#waiting.keys()) this.#settle(id, { kind: 'error', message })
  }
}

function isKind<Kind extends Answer['kind']>(
  answer: Answer,
  kind: Kind,
): answer is Extract<Answer, { kind: Kind }> {
  return answer.kind === kind
}

function faultOf(answer: Answer): string {
  return answer.kind === 'error' ? answer.message : `its thread answered with ${answer.kind}`
}

/** Beside this file in the sources, and in the bundle beside the file that holds this one. */
function workerFile(): URL {
  const source = new URL('./pod-worker.ts', import.meta.url)
  return existsSync(source) ? source : new URL('./pod-worker.js', import.meta.url)
}
