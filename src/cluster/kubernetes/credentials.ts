/** How to reach an API server, and as whom. */
export interface Access {
  /** With `http:` there is no TLS: for a server on the same machine. */
  readonly server: URL
  /** Of the `Authorization: Bearer` header. */
  readonly token?: string
  /** PEM, as `node:tls` takes it; without `ca` the system's authorities are trusted. */
  readonly tls: {
    readonly ca?: string
    readonly cert?: string
    readonly key?: string
    readonly servername?: string
  }
}

/** Where access comes from. What is in files may change while we run. */
export interface Credentials {
  /** @throws {Error} when it cannot be had, and never could */
  current(): Promise<Access>
  /** The server did not take what `current` gave: the next call reads anew. */
  expire(): void
}

/** The kubelet puts a new token in place when four fifths of the old one's life are over: a minute is soon enough. */
const FRESH_MS = 60_000

/**
 * Reads access again every minute. As long as it cannot be read, the last one stays: the server will say so
 * when it has had enough of it.
 */
export function rereadCredentials(read: () => Promise<Access>, now: () => number): Credentials {
  let access: Access | undefined
  let readAt = Number.NEGATIVE_INFINITY
  let reading: Promise<Access> | undefined
  const readAnew = async (): Promise<Access> => {
    const fresh = await read().catch((error: unknown) => {
      if (access === undefined) throw error
      return access
    })
    access = fresh
    readAt = now()
    return fresh
  }
  return {
    current: async () => {
      if (access !== undefined && now() - readAt < FRESH_MS) return access
      // All watches ask at the same time, and reading may mean to run a program.
      reading ??= readAnew().finally(() => {
        reading = undefined
      })
      return reading
    },
    expire: () => {
      readAt = Number.NEGATIVE_INFINITY
    },
  }
}
