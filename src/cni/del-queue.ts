import type * as nodeFs from 'node:fs/promises'
import { join } from 'node:path'
import { reasonOf } from '../pods/errors.ts'
import { parseAttachmentKey } from './arguments.ts'
import { CniError } from './errors.ts'
import {
  type CniRequest,
  decodeRequest,
  ENVIRONMENT_LIMIT_BYTES,
  STDIN_LIMIT_BYTES,
} from './frame.ts'
import type { CniHandler } from './verbs.ts'

export interface DelQueueOptions {
  /** Where `sluice-cni` leaves a DEL that no agent took, one request frame a file. */
  readonly directory: string
  readonly handle: CniHandler
  readonly files: Pick<typeof nodeFs, 'readdir' | 'readFile' | 'rm' | 'stat'>
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Gets a sentence for each file that could not be dealt with. */
  readonly report: (problem: string) => void
}

/**
 * Carries out the DELs that came while no agent ran. One that fails, or cannot be read now, stays for the next
 * time; one that can never succeed is reported and removed. To be called once the socket is open, and again now
 * and then: a shim may have found the socket closed just before, and leave its file just after.
 *
 * @returns how many were carried out.
 */
export async function drainDelQueue(options: DelQueueOptions): Promise<number> {
  let done = 0
  for (const name of await namesIn(options)) {
    const path = join(options.directory, name)
    try {
      if (name.startsWith('.')) await removeAbandoned(path, options)
      else if (await carryOut(path, options)) done++
    } catch (error) {
      options.report(`The queued DEL ${path} stays queued: ${reasonOf(error)}`)
    }
  }
  return done
}

async function namesIn({ directory, files }: DelQueueOptions): Promise<string[]> {
  try {
    return (await files.readdir(directory)).toSorted()
  } catch (error) {
    if (isAbsence(error)) return []
    throw error
  }
}

function isAbsence(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}

/** A shim writes for milliseconds, and then gives its file a name without a dot. */
const ABANDONED_AFTER_MS = 60_000

/** What a shim that was killed had written: its runtime was not told that the DEL would be done. */
async function removeAbandoned(path: string, { files, now }: DelQueueOptions): Promise<void> {
  try {
    const { mtimeMs } = await files.stat(path)
    if (now() - mtimeMs > ABANDONED_AFTER_MS) await files.rm(path, { force: true })
  } catch (error) {
    // Just now its shim has given it its name.
    if (!isAbsence(error)) throw error
  }
}

/** Whether it has been done. */
async function carryOut(path: string, options: DelQueueOptions): Promise<boolean> {
  const request = await readOrRemove(path, options)
  if (request === undefined) return false
  const reply = await options.handle(request)
  if (reply.exitCode === 0) await options.files.rm(path, { force: true })
  else options.report(`The queued DEL ${path} failed and stays queued: ${reply.body}`)
  return reply.exitCode === 0
}

async function readOrRemove(
  path: string,
  options: DelQueueOptions,
): Promise<CniRequest | undefined> {
  try {
    return await readDel(path, options)
  } catch (error) {
    if (!(error instanceof CniError)) throw error
    options.report(`${path} is no queued DEL and is removed: ${error.message}`)
    await options.files.rm(path, { force: true })
    return undefined
  }
}

const FRAME_LIMIT_BYTES = 12 + ENVIRONMENT_LIMIT_BYTES + STDIN_LIMIT_BYTES

async function readDel(path: string, { files }: DelQueueOptions): Promise<CniRequest> {
  const { size } = await files.stat(path)
  if (size > FRAME_LIMIT_BYTES) {
    throw new CniError('undecodable', `it has ${size} bytes, more than any request`)
  }
  const request = decodeRequest(await files.readFile(path))
  const command = request.environment.get('CNI_COMMAND')
  if (command !== 'DEL') {
    throw new CniError('invalidEnvironment', `its CNI_COMMAND is ${JSON.stringify(command ?? '')}`)
  }
  parseAttachmentKey(request.environment)
  return request
}
