import { expect, test } from 'vitest'
import { encode } from '../../src/netlink/encode.ts'
import { nfgenmsg } from '../../src/netlink/headers.ts'
import { MESSAGE_TYPES } from '../../src/netlink/message-types.ts'
import { NetlinkSocket } from '../../src/netlink/socket.ts'
import { encodeStruct } from '../../src/netlink/struct.ts'
import { NFTA_SET_ELEM_LIST } from '../../src/nftables/attributes.ts'
import { elementsInPieces } from '../../src/nftables/list.ts'
import { map } from '../../src/nftables/set.ts'
import { writeElements } from '../../src/nftables/write-elements.ts'
import { answer, done, FakeNative } from '../netlink/fake-native.ts'

const set = map('of_many', ['ipv6_addr', 'classid'], ['classid'])
const elements = Array.from({ length: 10 }, (_, index) => {
  return { key: [BigInt(index) << 64n, 2 ** 31 + index], data: index }
})

test('elements come datagram by datagram, and the memory of what has been read is given back', async () => {
  const datagrams: Uint8Array[] = []
  const native = new FakeNative(([request]) => {
    if (request === undefined) return []
    const header = encodeStruct(nfgenmsg, { nfgen_family: 1 })
    for (const element of elements) {
      const [content] = writeElements(set, [element])
      const values = encode(NFTA_SET_ELEM_LIST, { NFTA_SET_ELEM_LIST_ELEMENTS: content })
      const payload = Buffer.concat([header, values])
      // As the addon does, in memory of its own.
      datagrams.push(new Uint8Array(answer(request, MESSAGE_TYPES.NFT_MSG_NEWSETELEM, payload)))
    }
    return [...datagrams, done(request)]
  })
  const socket = new NetlinkSocket(native)
  const found: unknown[] = []
  for await (const piece of elementsInPieces(socket, { family: 'inet', table: 'sluice' }, set)) {
    expect(datagrams.filter(isGivenBack)).toHaveLength(found.length)
    found.push(...piece)
  }
  expect(found).toEqual(elements)
  expect(datagrams.filter(isGivenBack)).toHaveLength(elements.length)
})

function isGivenBack({ buffer }: Uint8Array): boolean {
  return buffer instanceof ArrayBuffer && buffer.detached
}
