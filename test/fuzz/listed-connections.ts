import assert from 'node:assert/strict'
import { readConnection } from '../../src/netlink/conntrack.ts'
import { type ConnectionEnds, connectionReader } from '../../src/netlink/listed-connection.ts'
import { messagesIn } from '../../src/netlink/message.ts'

const read = connectionReader()

/** Reads connections by both readers, which must agree: on what they say, and on what cannot be read. */
export function readTwice(datagram: Uint8Array): unknown {
  return [...messagesIn(datagram)].map((message) => {
    let entry: ReturnType<typeof read>
    try {
      entry = read(message)
    } catch (error) {
      // Only what none reads.
      assert.throws(() => readConnection(message))
      throw error
    }
    const whole = readConnection(message)
    assert.deepEqual(endsOf(entry), endsOf(whole))
    assert.equal(entry.isExpected, whole.master !== undefined)
    return whole
  })
}

function endsOf({ protocol, original, reply }: ConnectionEnds): ConnectionEnds {
  const ends = [original, reply].map(({ src, dst, sport, dport }) => ({ src, dst, sport, dport }))
  const [first = original, second = reply] = ends
  return { protocol, original: first, reply: second }
}
