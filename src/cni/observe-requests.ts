import type { CniReply } from './frame.ts'
import { type CniHandler, isVerb } from './verbs.ts'

export interface ObservedRequest {
  /** Of the specification, or `unknown`. */
  readonly verb: string
  /** 0, or the code of the error that was told. */
  readonly code: number
  /** From the whole request to the reply, waiting for others included. */
  readonly durationMs: number
}

export interface ObserveParts {
  readonly onReply: (request: ObservedRequest) => void
  /** Milliseconds, never going back. */
  readonly uptime: () => number
}

/** The same handler; each request is told of when its reply is there. */
export function observeRequests(handle: CniHandler, { onReply, uptime }: ObserveParts): CniHandler {
  return async (request) => {
    const begun = uptime()
    const reply = await handle(request)
    const command = request.environment.get('CNI_COMMAND') ?? ''
    const verb = isVerb(command) ? command : 'unknown'
    onReply({ verb, code: codeOf(reply), durationMs: uptime() - begun })
    return reply
  }
}

function codeOf({ exitCode, body }: CniReply): number {
  if (exitCode === 0) return 0
  const { code }: { readonly code: number } = JSON.parse(body)
  return code
}
