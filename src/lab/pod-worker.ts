import { parentPort, workerData } from 'node:worker_threads'
import { enterNamespace } from '../netlink/native.ts'
import { knock } from './knock.ts'
import type { Answer, Numbered, PlaceData, Question } from './place-messages.ts'
import { Services } from './services.ts'
import { openStream, type Stream } from './stream.ts'

/**
 * The thread of one place (a pod, a node, the outside world): it lives in the network namespace of the
 * place, so that every socket that it opens does too. Answers the questions of `Place`.
 */
const place: PlaceData = workerData
enterNamespace(place.netns)

const services = new Services(place.name)
let stream: Stream | undefined

parentPort?.on('message', ({ id, message }: Numbered<Question>) => {
  void answer(message)
    .catch(errorAnswer)
    .then((reply) => parentPort?.postMessage({ id, message: reply } satisfies Numbered<Answer>))
})

function errorAnswer(error: unknown): Answer {
  return { kind: 'error', message: error instanceof Error ? error.message : String(error) }
}

async function answer(question: Question): Promise<Answer> {
  switch (question.kind) {
    case 'listen':
      await services.open(question.services)
      return { kind: 'done' }
    case 'knock':
      return { kind: 'outcome', outcome: await knock(question.knock) }
    case 'openStream':
      stream = await openStream(question.knock, Date.now)
      return { kind: 'done' }
    case 'awaitStreamEnd':
      if (stream === undefined) throw new Error('no stream was opened here')
      return { kind: 'streamEnd', end: await stream.end }
  }
}
