import { createHash } from 'node:crypto'
import { basename, join } from 'node:path'

/** What is needed of `node:fs/promises`. */
export type FileSystem = Pick<typeof import('node:fs/promises'), 'readdir' | 'readFile' | 'stat'>

export interface DirectoryFile {
  /** With the directory in front, as it was given. */
  readonly path: string
  readonly content:
    | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
    | { readonly kind: 'unreadable'; readonly reason: string }
}

export interface Directory {
  /** Sorted by name. */
  readonly files: readonly DirectoryFile[]
  /** A digest of names and contents: equal for two readings of the same thing. */
  readonly revision: string
}

/** Far above any manifest; a slip must not fill the memory. */
const MAX_FILE_BYTES = 64 * 1024 * 1024

/**
 * Reads the manifests of a directory as `kubectl apply -f` does: `*.yaml`, `*.yml` and `*.json` of the
 * directory itself, through symbolic links (a mounted ConfigMap consists of them). Throws when the
 * directory itself cannot be read, or was replaced or removed meanwhile: whoever has it open finds it empty
 * then, and nothing in it would mean no policies.
 */
export async function readDirectory(directory: string, fs: FileSystem): Promise<Directory> {
  const before = await attempt(directory, () => fs.stat(directory))
  const names = await attempt(directory, () => fs.readdir(directory))
  const files: DirectoryFile[] = []
  for (const name of names.filter((one) => /\.(?:ya?ml|json)$/.test(one)).sort()) {
    const path = join(directory, name)
    const content = await readContent(path, fs)
    if (content !== undefined) files.push({ path, content })
  }
  const after = await attempt(directory, () => fs.stat(directory))
  if (before.ino !== after.ino || before.dev !== after.dev) {
    throw new Error(`The manifest directory ${directory} was replaced while it was read.`)
  }
  return { files, revision: digest(files) }
}

async function attempt<T>(directory: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (error) {
    throw new Error(
      `The manifest directory ${directory} cannot be read (${codeOf(error)}); name a directory of *.yaml, *.yml or *.json files.`,
      { cause: error },
    )
  }
}

/** The `revision` that a directory has now: whoever reports the same has read just this content. */
export async function revisionOf(directory: string, fs: FileSystem): Promise<string> {
  return (await readDirectory(directory, fs)).revision
}

/** `undefined` for what is no file: a directory, or a pipe on which reading would wait for ever. */
async function readContent(
  path: string,
  fs: FileSystem,
): Promise<DirectoryFile['content'] | undefined> {
  try {
    const stats = await fs.stat(path)
    if (!stats.isFile()) return undefined
    if (stats.size > MAX_FILE_BYTES) {
      return { kind: 'unreadable', reason: 'the file is larger than 64 MiB; split it' }
    }
    return { kind: 'bytes', bytes: await fs.readFile(path) }
  } catch (error) {
    return { kind: 'unreadable', reason: `the file cannot be read (${codeOf(error)})` }
  }
}

function digest(files: readonly DirectoryFile[]): string {
  const hash = createHash('sha256')
  for (const { path, content } of files) {
    const body = content.kind === 'bytes' ? content.bytes : content.reason
    hash.update(`${basename(path)}\0${content.kind}\0${body.length}\0`).update(body)
  }
  return hash.digest('hex')
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message
}
