import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { StoredObject } from '../cluster/kubernetes/object-store.ts'

export interface ApiPlaceOptions {
  /** Path of the network namespace. */
  readonly netns: string
  /** An address there. */
  readonly host: string
}

export type ApiChange =
  | { readonly kind: 'put'; readonly path: string; readonly object: StoredObject }
  /** Of an object without a namespace. */
  | { readonly kind: 'delete'; readonly path: string; readonly name: string }

/** The small API server in a namespace of our choice: a thread in it. */
export class ApiPlace {
  readonly url: string
  readonly #worker: Worker

  static async open(options: ApiPlaceOptions): Promise<ApiPlace> {
    const worker = new Worker(new URL('./api-worker.ts', import.meta.url), { workerData: options })
    const [url] = await once(worker, 'message')
    return new ApiPlace(String(url), worker)
  }

  private constructor(url: string, worker: Worker) {
    this.url = url
    this.#worker = worker
  }

  change(change: ApiChange): void {
    this.#worker.postMessage(change)
  }

  async close(): Promise<void> {
    await this.#worker.terminate()
  }
}
