import { readDirectory } from './directory.ts'
import type { FileSystem } from './directory.ts'
import { parseManifestFiles } from './files.ts'
import type { ManifestFiles } from './files.ts'

/** What a watch needs of its surroundings: `node:fs/promises`, `node:fs` and the global timers. */
export interface WatchSystem {
  readonly fs: FileSystem
  readonly watch: (directory: string, onChange: () => void) => Watcher
  readonly setTimeout: (callback: () => void, delayMs: number) => NodeJS.Timeout
  readonly clearTimeout: (timer: NodeJS.Timeout | undefined) => void
}

/** An `fs.FSWatcher`, as far as it is used here. */
export interface Watcher {
  close(): void
  on(event: 'error', listener: (error: Error) => void): unknown
}

export interface WatchListener {
  /** The directory's first content, and every other one after it. */
  readonly onManifests: (manifests: ManifestFiles) => void
  /** The directory cannot be read; what was read last stays in force, and reading is tried again. */
  readonly onError: (error: Error) => void
}

/** Editors and ConfigMap mounts change several names at once. */
const SETTLE_MS = 50
/** For changes that no notification tells of: behind a symbolic link, or on a network file system. */
const POLL_MS = 10_000

/** Reads a manifest directory now, and again whenever it changes, until `close`. */
export function watchFiles(
  directory: string,
  system: WatchSystem,
  listener: WatchListener,
): { close: () => void } {
  const watch = new DirectoryWatch(directory, system, listener)
  watch.read()
  return { close: () => watch.close() }
}

class DirectoryWatch {
  readonly #directory: string
  readonly #system: WatchSystem
  readonly #listener: WatchListener
  #revision: string | undefined
  #watcher: Watcher | undefined
  #timer: NodeJS.Timeout | undefined
  /** Set by a change until a reading has begun after it. */
  #changed = false
  #reading = false
  #closed = false

  constructor(directory: string, system: WatchSystem, listener: WatchListener) {
    this.#directory = directory
    this.#system = system
    this.#listener = listener
  }

  read(): void {
    this.#changed = false
    this.#reading = true
    // Before reading: what changes from here on is told.
    this.#watchDirectory()
    this.#readOnce()
      .catch((error: unknown) => this.#report(error))
      .finally(() => {
        this.#reading = false
        if (!this.#closed) this.#readIn(this.#changed ? SETTLE_MS : POLL_MS)
      })
  }

  close(): void {
    this.#closed = true
    this.#system.clearTimeout(this.#timer)
    this.#watcher?.close()
  }

  async #readOnce(): Promise<void> {
    const content = await readDirectory(this.#directory, this.#system.fs)
    if (this.#closed || content.revision === this.#revision) return
    const manifests = await parseManifestFiles(content)
    if (this.#closed) return
    this.#revision = content.revision
    this.#listener.onManifests(manifests)
  }

  #watchDirectory(): void {
    // Anew each time, because the name may lead to another directory by now.
    this.#unwatch()
    try {
      this.#watcher = this.#system.watch(this.#directory, () => this.#onChange())
      this.#watcher.on('error', () => this.#unwatch())
    } catch {
      // Without notifications, for want of inotify watches or of the directory, there is the poll.
      this.#unwatch()
    }
  }

  #unwatch(): void {
    this.#watcher?.close()
    this.#watcher = undefined
  }

  #onChange(): void {
    // Once a reading is due, more changes must not put it off.
    if (this.#changed || this.#closed) return
    this.#changed = true
    if (!this.#reading) this.#readIn(SETTLE_MS)
  }

  #readIn(delayMs: number): void {
    this.#system.clearTimeout(this.#timer)
    this.#timer = this.#system.setTimeout(() => this.read(), delayMs)
  }

  #report(error: unknown): void {
    if (this.#closed) return
    this.#listener.onError(error instanceof Error ? error : new Error(String(error)))
  }
}
