import type { Worker } from 'node:worker_threads'

/** What comes back from a thread that answers by `answerQuestions`. */
export type Reply<Answer> = { readonly answer: Answer } | { readonly error: string }

/** One question at a time. Rejects with what went wrong in the thread. */
export function askThread<Answer>(worker: Worker, question: object): Promise<Answer> {
  return new Promise((resolve, reject) => {
    worker.once('error', reject)
    worker.once('message', (reply: Reply<Answer>) => {
      worker.off('error', reject)
      if ('error' in reply) reject(new Error(reply.error))
      else resolve(reply.answer)
    })
    worker.postMessage(question)
  })
}
