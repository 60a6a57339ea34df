/** An object as the API has it, as far as a store must know it. */
export interface StoredObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly [field: string]: unknown
  }
  readonly [field: string]: unknown
}

export interface StoreEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
  readonly path: string
  readonly version: number
  readonly text: string
}

interface Entry {
  readonly version: number
  readonly text: string
}

/** What etcd and the watch cache are to an API server: objects, versions, a history that can be compacted. */
export class ObjectStore {
  readonly #objects = new Map<string, Map<string, Entry>>()
  readonly #watchers = new Set<(event: StoreEvent) => void>()
  /** Lists that are being read in pages, by version. */
  readonly #snapshots = new Map<string, readonly Entry[]>()
  #history: StoreEvent[] = []
  #version = 1
  /** What happened up to here is forgotten. */
  #compacted = 0

  get version(): number {
    return this.#version
  }

  put(path: string, object: StoredObject): void {
    const objects = this.#of(path)
    const key = keyIn(object.metadata)
    const type = objects.has(key) ? 'MODIFIED' : 'ADDED'
    const entry = this.#entry(object)
    objects.set(key, entry)
    this.#tell({ type, path, ...entry })
  }

  delete(path: string, namespace: string | undefined, name: string): void {
    const key = keyIn({ name, ...(namespace !== undefined && { namespace }) })
    const last = this.#of(path).get(key)
    if (last === undefined) return
    this.#of(path).delete(key)
    const object: StoredObject = JSON.parse(last.text)
    this.#tell({ type: 'DELETED', path, ...this.#entry(object) })
  }

  get(path: string, namespace: string, name: string): string | undefined {
    return this.#of(path).get(`${namespace}/${name}`)?.text
  }

  all(path: string): readonly string[] {
    return [...this.#of(path).values()].map(({ text }) => text)
  }

  /** Forgets the past: older versions cannot be watched from, and no list can be gone on with. */
  compact(): void {
    // Something else happened meanwhile in the cluster, so that even the last version of an object is too old.
    this.#version += 1
    this.#compacted = this.#version
    this.#history = []
    this.#snapshots.clear()
  }

  /** A page of the list as it was when its first page was read; undefined when that is forgotten. */
  page(path: string, limit: number, rest: string | undefined) {
    const [version = '', from = '0'] = rest?.split(' ') ?? [String(this.#version)]
    const id = `${path} ${version}`
    const entries = rest === undefined ? [...this.#of(path).values()] : this.#snapshots.get(id)
    if (entries === undefined) return undefined
    const start = Number(from)
    const end = limit > 0 ? start + limit : entries.length
    const more = end < entries.length
    if (more) this.#snapshots.set(id, entries)
    const texts = entries.slice(start, end).map(({ text }) => text)
    return { version, texts, rest: more ? `${version} ${end}` : undefined }
  }

  /** Tells what happened since and what happens from now on; undefined when that is forgotten. */
  watch(
    path: string,
    since: number,
    listener: (event: StoreEvent) => void,
  ): (() => void) | undefined {
    if (since < this.#compacted) return undefined
    const own = (event: StoreEvent) => {
      if (event.path === path) listener(event)
    }
    for (const event of this.#history) if (event.version > since) own(event)
    this.#watchers.add(own)
    return () => this.#watchers.delete(own)
  }

  #entry(object: StoredObject): Entry {
    this.#version += 1
    const resourceVersion = String(this.#version)
    const metadata = { ...object.metadata, resourceVersion }
    return { version: this.#version, text: JSON.stringify({ ...object, metadata }) }
  }

  #tell(event: StoreEvent): void {
    this.#history.push(event)
    for (const watcher of this.#watchers) watcher(event)
  }

  #of(path: string): Map<string, Entry> {
    const objects = this.#objects.get(path) ?? new Map<string, Entry>()
    this.#objects.set(path, objects)
    return objects
  }
}

function keyIn({ namespace, name }: Pick<StoredObject['metadata'], 'namespace' | 'name'>): string {
  return namespace === undefined ? name : `${namespace}/${name}`
}
