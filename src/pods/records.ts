import type * as nodeFs from 'node:fs'
import { join } from 'node:path'
import { PodNetworkError, reasonOf } from './errors.ts'
import { decodeRecord, encodeRecord, type PodRecord } from './record.ts'

/** The calls that records need of the file system. */
export type RecordFiles = Pick<
  typeof nodeFs,
  'mkdirSync' | 'readdirSync' | 'readFileSync' | 'renameSync' | 'rmSync' | 'writeFileSync'
>

export interface RecordsOptions {
  /** On tmpfs: records must go with the interfaces that they tell of when the machine restarts. */
  readonly directory: string
  readonly files: RecordFiles
  /** Gets a sentence for each file that is not a record of ours. Such a file stays where it is. */
  readonly report: (problem: string) => void
}

/**
 * What ADD did and DEL has not undone, one file an attachment, named as its id.
 *
 * Written under another name and renamed, so that a reader finds all of a record or nothing. No fsync: the
 * directory is in memory, and a write there survives the process, which is all that it has to survive.
 */
export class Records {
  readonly #directory: string
  readonly #files: RecordFiles
  readonly #records = new Map<string, PodRecord>()

  /** Reads what an earlier agent left. @throws PodNetworkError (recordFailed) when the directory cannot be read. */
  constructor(options: RecordsOptions) {
    this.#directory = options.directory
    this.#files = options.files
    try {
      this.#files.mkdirSync(this.#directory, { recursive: true, mode: 0o700 })
      const names = this.#files.readdirSync(this.#directory)
      const found = names.flatMap((name) => this.#read(name, options.report) ?? [])
      // Of two attachments of a pod the later one counts.
      for (const record of found.toSorted(byTimeOfAttachment)) this.#records.set(record.id, record)
    } catch (cause) {
      throw failed(`The records in ${this.#directory} cannot be read`, cause)
    }
  }

  /** Released ones included, those of an earlier agent first, in the order in which they were made. */
  all(): readonly PodRecord[] {
    return [...this.#records.values()]
  }

  get(id: string): PodRecord | undefined {
    return this.#records.get(id)
  }

  /** @throws PodNetworkError (recordFailed); what was there before then stays. */
  put(record: PodRecord): void {
    const path = this.#pathOf(record.id)
    const temporary = `${path}${TEMPORARY}`
    try {
      this.#files.writeFileSync(temporary, encodeRecord(record), { mode: 0o600 })
      this.#files.renameSync(temporary, path)
    } catch (cause) {
      this.#discard(temporary)
      throw failed(`The record ${path} cannot be written`, cause)
    }
    this.#records.set(record.id, record)
  }

  /** Removing one that is not there is no error. @throws PodNetworkError (recordFailed). */
  remove(id: string): void {
    const path = this.#pathOf(id)
    try {
      this.#files.rmSync(path, { force: true })
    } catch (cause) {
      throw failed(`The record ${path} cannot be removed`, cause)
    }
    this.#records.delete(id)
  }

  /** Half of a record takes the room that is missing. If it cannot go now, the next agent removes it. */
  #discard(temporary: string): void {
    try {
      this.#files.rmSync(temporary, { force: true })
    } catch {
      // What is told is why it could not be written.
    }
  }

  #pathOf(id: string): string {
    return join(this.#directory, `${id}${SUFFIX}`)
  }

  #read(name: string, report: (problem: string) => void): PodRecord | undefined {
    const path = join(this.#directory, name)
    if (name.endsWith(`${SUFFIX}${TEMPORARY}`)) {
      // The writer died before the rename: it had done nothing else yet.
      this.#files.rmSync(path, { force: true })
      return undefined
    }
    try {
      const record = decodeRecord(this.#files.readFileSync(path, 'utf8'))
      if (name !== `${record.id}${SUFFIX}`) {
        throw new Error(`it is the record of ${record.id}`)
      }
      return record
    } catch (cause) {
      report(`${path} is no record of a pod and is left alone: ${reasonOf(cause)}`)
      return undefined
    }
  }
}

const SUFFIX = '.json'
const TEMPORARY = '.tmp'

function byTimeOfAttachment(a: PodRecord, b: PodRecord): number {
  return (a.attachedAt ?? 0) - (b.attachedAt ?? 0)
}

function failed(what: string, cause: unknown): PodNetworkError {
  return new PodNetworkError('recordFailed', `${what}: ${reasonOf(cause)}`, cause)
}
