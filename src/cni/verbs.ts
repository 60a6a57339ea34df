import type { Ipam } from '../pods/ipam.ts'
import type { Reaper } from '../pods/reaper.ts'
import type { Records } from '../pods/records.ts'
import type { Wiring } from '../pods/wiring.ts'
import { add } from './add.ts'
import type { Chain } from './chain.ts'
import { check } from './check.ts'
import { del } from './del.ts'
import type { Enforcement } from './enforcement.ts'
import { errorResult } from './error-result.ts'
import { CniError, toCniError } from './errors.ts'
import type { CniReply, CniRequest } from './frame.ts'
import { gc } from './gc.ts'
import type { InTurn } from './in-turn.ts'
import type { Obstacle } from './obstacle.ts'
import { status } from './status.ts'
import { version } from './version.ts'

/** What the verbs work with. */
export interface CniParts {
  readonly ipam: Ipam
  readonly records: Records
  readonly wiring: Wiring
  readonly enforcement: Enforcement
  /** Where another plugin wires the pods, and we only enforce; undefined where we wire them. */
  readonly chain?: Chain | undefined
  /** Removes what is left of attachments whose DEL was answered. */
  readonly reaper: Reaper
  /** One operation at a time for each host interface; shared with whoever else changes attachments. */
  readonly inTurn: InTurn
  /** What keeps every ADD from success now, but for addresses. Cheap: runtimes ask every few seconds. */
  readonly obstacle: () => Obstacle | undefined
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** Does what the request asks and resolves to what stdout shall get. @throws CniError */
export type Verb = (request: CniRequest, parts: CniParts) => Promise<string>

/** Answers any request; never rejects. */
export type CniHandler = (request: CniRequest) => Promise<CniReply>

const VERBS: ReadonlyMap<string, Verb> = new Map([
  ['ADD', add],
  ['DEL', del],
  ['CHECK', check],
  ['GC', gc],
  ['STATUS', status],
  ['VERSION', version],
])

export function isVerb(command: string): boolean {
  return VERBS.has(command)
}

export function createHandler(parts: CniParts): CniHandler {
  return async (request) => {
    try {
      return { exitCode: 0, body: await verbOf(request)(request, parts) }
    } catch (error) {
      return errorReply(error, request.stdin)
    }
  }
}

/** The reply to a request that failed. `stdin` says in which version to answer, if it can be read. */
export function errorReply(error: unknown, stdin: string): CniReply {
  return { exitCode: 1, body: errorResult(toCniError(error, 'internal', 'Sluice failed'), stdin) }
}

function verbOf(request: CniRequest): Verb {
  const command = request.environment.get('CNI_COMMAND')
  if (command === undefined) throw new CniError('invalidEnvironment', 'CNI_COMMAND is missing')
  const verb = VERBS.get(command)
  if (verb !== undefined) return verb
  const known = [...VERBS.keys()].join(', ')
  const shown = JSON.stringify(command.slice(0, 40))
  throw new CniError('invalidEnvironment', `CNI_COMMAND must be one of ${known}, not ${shown}`)
}
