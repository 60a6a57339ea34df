import { parentPort } from 'node:worker_threads'
import type { Reply } from './ask-thread.ts'

/** Answers from now on what `askThread` asks of this thread. */
export function answerQuestions<Question, Answer>(
  answer: (question: Question) => Promise<Answer>,
): void {
  const replyTo = async (question: Question): Promise<Reply<Answer>> => {
    try {
      return { answer: await answer(question) }
    } catch (error) {
      return { error: error instanceof Error ? error.message : String(error) }
    }
  }
  parentPort?.on('message', (question: Question) => {
    void replyTo(question).then((reply) => parentPort?.postMessage(reply))
  })
}
