import { CniError } from './errors.ts'
import { type CniHandler, errorReply } from './verbs.ts'
import { version } from './version.ts'

/**
 * Answers requests of an agent that is still starting. They wait until it is ready, since an ADD that fails
 * costs the pod a new sandbox; but STATUS asks for just this and is told at once, and VERSION needs no agent.
 */
export function handleStarting(ready: Promise<CniHandler>): CniHandler {
  let handle: CniHandler = async (request) => {
    const command = request.environment.get('CNI_COMMAND')
    if (command === 'STATUS') return errorReply(STARTING, request.stdin)
    if (command === 'VERSION') return { exitCode: 0, body: await version(request) }
    return (await ready)(request)
  }
  void ready.then((handler) => {
    handle = handler
  })
  return (request) => handle(request)
}

const STARTING = new CniError(
  'notAvailable',
  'The Sluice agent of this node is starting: the policies of its pods are not all in force yet',
)
