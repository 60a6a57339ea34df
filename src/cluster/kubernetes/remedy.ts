import { ApiError, BrokenConnection, ProtocolError } from './errors.ts'

/**
 * Ways to get everything there is of a kind: as a watch that begins with it; in pages; in one answer. The last
 * is dear to the server, and for lists that outlive their continue tokens.
 */
export type ListWay = 'stream' | 'pages' | 'whole'

/** What was being done when it failed: listing in some way, or watching from a version that was known. */
export type Task = ListWay | 'watch'

/** What to do about a failure. The same is tried again, after a while, with these changes. */
export interface Remedy {
  /** The version that was known is of no use: list again. */
  readonly relist: boolean
  /** List in this way from now on. */
  readonly way?: ListWay
  /** There is nothing to wait for. */
  readonly atOnce: boolean
  readonly atLeastMs: number
  readonly expireCredentials: boolean
  /** Not a fault, but something that the API says to expect. */
  readonly expected: boolean
}

const WAIT: Remedy = {
  relist: false,
  atOnce: false,
  atLeastMs: 0,
  expireCredentials: false,
  expected: false,
}

/** Waiting for the right to watch is no reason to list again and again. */
const NO_RIGHT = 403
/** Answers to a request that the server does not understand, or does not let us make. */
const WRONG_REQUEST = [400, NO_RIGHT, 404, 405, 422]

/** Decides how to go on after a failure of that task. */
export function remedyFor(error: unknown, task: Task): Remedy {
  if (error instanceof ApiError) return remedyForAnswer(error, task)
  if (error instanceof BrokenConnection) {
    // A server that knows nothing of streamed lists, and does not say so, never ends the initial events.
    return task === 'stream' && error.cut === 'quiet' ? { ...WAIT, way: 'pages' } : WAIT
  }
  // The watch would say the same again; a list may not. Failures of whoever is told are treated alike.
  return {
    ...WAIT,
    relist: true,
    ...(task === 'stream' && error instanceof ProtocolError && { way: 'pages' }),
  }
}

function remedyForAnswer(error: ApiError, task: Task): Remedy {
  const { code, place } = error
  if (code === 410) return forExpired(task)
  // It may be about one event, which the watch would meet again: a list goes past it.
  if (place.in === 'watch' || error.versionIsAhead) return { ...WAIT, relist: true }
  if (code === 401) return { ...WAIT, expireCredentials: true }
  if (WRONG_REQUEST.includes(code)) {
    return task === 'stream'
      ? { ...WAIT, way: 'pages', atOnce: true, expected: true }
      : { ...WAIT, relist: code !== NO_RIGHT }
  }
  return { ...WAIT, atLeastMs: place.retryAfterMs ?? 0 }
}

/** 410: the server has forgotten the version of a watch, or the one that a list was going on at. */
function forExpired(task: Task): Remedy {
  const relist = { ...WAIT, relist: true, expected: true }
  return task === 'pages' ? { ...relist, way: 'whole' } : relist
}
