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
  /** Gets a sentence for each file that could not be dealt with. */
  readonly report: (problem: string) => void
}

/**
 * Carries out the DELs that came while no agent ran. One that fails stays for the next time; one that can
 * never succeed is reported and removed. To be called once the socket is open, and again now and then: a shim
 * may have found the socket closed just before, and leave its file just after.
 *
 * @returns how many were carried out.
 */
export async function drainDelQueue(options: DelQueueOptions): Promise<number> {
  let done = 0
  for (const name of await namesIn(options)) {
    const path = join(options.directory, name)
    try {
      const request = await readDel(path, options)
      const reply = await options.handle(request)
      if (reply.exitCode === 0) {
        await options.files.rm(path, { force: true })
        done++
      } else {
        options.report(`The queued DEL ${path} failed and stays queued: ${reply.body}`)
      }
    } catch (error) {
      options.report(`${path} is no queued DEL and is removed: ${reasonOf(error)}`)
      await options.files.rm(path, { force: true })
    }
  }
  return done
}

/** Files that the shim is still writing begin with a dot. */
async function namesIn({ directory, files }: DelQueueOptions): Promise<string[]> {
  try {
    const names = await files.readdir(directory)
    return names.filter((name) => !name.startsWith('.')).toSorted()
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw error
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
