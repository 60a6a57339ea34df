import { listing } from './conntrack.ts'
import { connectionReader, type ListedConnection } from './listed-connection.ts'
import type { Reply } from './message.ts'
import type { NetlinkSocket } from './socket.ts'

/**
 * Some of the tracked connections. It may be gone through again; an entry holds until the next one.
 * Going through it throws NetlinkDecodeError where an entry is damaged.
 */
export type ConnectionPiece = Iterable<ListedConnection>

/**
 * All tracked connections, piece by piece as the kernel lists them on another thread: it walks its whole hash table,
 * whose 262,144 buckets take 12 ms however few connections there are (Linux 6.18, the size on machines of 4 GiB and
 * more), and then some 1.5 µs an entry. Which entries a listing has that begin or end meanwhile is open.
 *
 * There is no filter by address: the kernel compares IPv6 addresses the wrong way round (CTA_FILTER, Linux 5.8 and
 * still 6.18: asked for one address, it lists all others).
 */
export async function* connectionPieces(
  socket: NetlinkSocket,
): AsyncGenerator<ConnectionPiece, void, undefined> {
  const read = connectionReader()
  for await (const messages of socket.dumpInPieces(listing())) {
    yield { [Symbol.iterator]: () => readEach(messages, read) }
  }
}

function* readEach(
  messages: readonly Reply[],
  read: (message: Reply) => ListedConnection,
): Generator<ListedConnection, void, undefined> {
  for (const message of messages) yield read(message)
}
