import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

export interface SocketOptions {
  /** Numbers of socket(2): AF_*, SOCK_* and the protocol. Always close-on-exec and non-blocking. */
  readonly domain: number
  readonly type: number
  readonly protocol: number
  /** Path of a network namespace file to open the socket in; the caller's own one without. */
  readonly netns?: string | undefined
  /** A raw struct sockaddr, in the byte order of the kernel. */
  readonly bind?: Uint8Array | undefined
  /** A program of struct sock_filter (SO_ATTACH_FILTER), in force before anything can come. */
  readonly filter?: Uint8Array | undefined
  /** SO_SNDBUFFORCE and SO_RCVBUFFORCE; without CAP_NET_ADMIN capped by net.core.[rw]mem_max. */
  readonly sendBufferBytes?: number | undefined
  readonly receiveBufferBytes?: number | undefined
  /** setsockopt(2) calls, made once the socket is bound. A number is passed as a C int. */
  readonly options?: readonly SocketOption[] | undefined
}

export type SocketOption = readonly [level: number, name: number, value: number | Uint8Array]

/**
 * A datagram socket. Every method throws a `NativeError` where the system call fails, `EBADF` after
 * `close()`; the socket stays usable after any other error.
 */
export interface NativeSocket {
  /** Sends one datagram, to a raw struct sockaddr, or to the kernel (netlink) or peer without one. */
  send(data: Uint8Array, address?: Uint8Array): void
  /** Sends one datagram `count` times. Returns how many went out before a queue was full. */
  sendMany(data: Uint8Array, address: Uint8Array | undefined, count: number): number
  /**
   * Reads one datagram into `buffer` and returns its length, or -1 if none is waiting.
   * Throws `EMSGSIZE`, with `needed` bytes, for one that did not fit, which is lost; and `ENOBUFS`
   * once after the kernel had to drop datagrams because the receive buffer was full.
   */
  receive(buffer: Uint8Array): number
  /**
   * Sends one datagram and reads what waits then, on a thread of libuv's pool: for what the kernel takes
   * long to answer. Whoever else sends or receives meanwhile may get these answers, or lose its own. Rejects
   * with a `NativeError` where a system call fails. The socket may be closed meanwhile.
   *
   * @param data without a byte: sends nothing, reads on
   * @param atMost so many datagrams are read; all that wait without it
   */
  exchange(data: Uint8Array, atMost?: number): Promise<Uint8Array[]>
  /**
   * Calls back on this thread's event loop while something waits to be received, again and again
   * until all is read, so that reading one datagram a call is enough. Keeps the event loop and this
   * object alive until `close()`. Once a socket: throws `EALREADY` the second time.
   */
  onReadable(callback: () => void): void
  /** Makes a watched socket keep the event loop alive, as it does from the beginning. */
  ref(): void
  /** Lets the event loop end although the socket is watched. */
  unref(): void
  /** May be called at any time, also from within the callback, and again. */
  close(): void
}

/** What the addon throws: like Node's own system errors, with `errno` negative. */
export interface NativeError extends Error {
  readonly code: string
  readonly errno: number
  readonly syscall: string
  /** With `EMSGSIZE` of `receive`: the length of the datagram in bytes. */
  readonly needed?: number
}

/** Opens a socket. Throws a `NativeError` that names the namespace or the option refused. */
export function openSocket(options: SocketOptions): NativeSocket {
  return new (addon().NativeSocket)(options)
}

/** Makes a network namespace and binds it to `path`, a new file. The calling thread stays put. */
export function createNamespace(path: string): void {
  addon().createNamespace(path)
}

/** Moves the calling thread into a network namespace for good: for worker threads. */
export function enterNamespace(path: string): void {
  addon().enterNamespace(path)
}

/** Unmounts and removes a file made by `createNamespace`; fine if it is gone already. */
export function deleteNamespace(path: string): void {
  addon().deleteNamespace(path)
}

/** By the names of files in one directory. */
export type FileTexts = Readonly<Record<string, string>>

/**
 * Writes existing files, such as those in /proc/sys/net/ipv4, as seen inside a namespace; the caller's own one where
 * none is given. One to eight, up to the first that fails, which the error names.
 */
export function writeFilesInNamespace(
  netns: string | undefined,
  directory: string,
  texts: FileTexts,
): void {
  addon().writeFilesInNamespace(netns, directory, Object.entries(texts))
}

export function isNativeError(error: unknown): error is NativeError {
  return (
    error instanceof Error &&
    'code' in error &&
    typeof error.code === 'string' &&
    'errno' in error &&
    typeof error.errno === 'number' &&
    'syscall' in error &&
    typeof error.syscall === 'string'
  )
}

interface Addon {
  readonly NativeSocket: new (options: SocketOptions) => NativeSocket
  createNamespace(path: string): void
  enterNamespace(path: string): void
  deleteNamespace(path: string): void
  writeFilesInNamespace(
    netns: string | undefined,
    directory: string,
    files: readonly (readonly [name: string, text: string])[],
  ): void
}

const FUNCTIONS = [
  'NativeSocket',
  'createNamespace',
  'enterNamespace',
  'deleteNamespace',
  'writeFilesInNamespace',
] as const satisfies readonly (keyof Addon)[]

let loaded: Addon | undefined

/** Loaded on first use, so that whoever only imports this file needs no compiled addon. */
function addon(): Addon {
  loaded ??= loadAddon(process.env['SLUICE_NATIVE'] ?? findAddon(import.meta.dirname))
  return loaded
}

/** The sources and the bundle lie at different depths of the package: look upwards from either. */
export function findAddon(from: string): string {
  for (let folder = from; ; folder = dirname(folder)) {
    const path = join(folder, 'native', 'build', 'sluice.node')
    if (existsSync(path)) return path
    if (folder === dirname(folder)) break
  }
  throw new Error(
    `The native addon native/build/sluice.node is in no folder above ${from}. Run \`make build\` first.`,
  )
}

export function loadAddon(path: string): Addon {
  if (!existsSync(path))
    throw new Error(`The native addon ${path} does not exist. Run \`make build\` first.`)
  const exports: unknown = createRequire(import.meta.url)(path)
  if (isAddon(exports)) return exports
  throw new Error(`The native addon ${path} is of another version. Run \`make build\` again.`)
}

function isAddon(exports: unknown): exports is Addon {
  return (
    typeof exports === 'object' &&
    exports !== null &&
    FUNCTIONS.every((name) => typeof Reflect.get(exports, name) === 'function')
  )
}
