import { describe, expect, test } from 'vitest'
import { attributes, nested } from '../../src/netlink/attributes.ts'
import { encode } from '../../src/netlink/encode.ts'
import { NetlinkDecodeError, NetlinkError, NetlinkSocketError } from '../../src/netlink/errors.ts'
import { nfgenmsg } from '../../src/netlink/headers.ts'
import { makeRequest } from '../../src/netlink/message.ts'
import { MESSAGE_TYPES } from '../../src/netlink/message-types.ts'
import { NetlinkSocket } from '../../src/netlink/socket.ts'
import { encodeStruct } from '../../src/netlink/struct.ts'
import { caught } from '../caught.ts'
import { bytes, hex } from './bytes.ts'
import { acknowledgement, answer, done, FakeNative, nativeError, PORT_ID } from './fake-native.ts'
import type { Kernel } from './fake-native.ts'

const NEST = attributes({ INSIDE: [1, 'be32'], MISSING: [2, 'be32'] })
const TABLE = attributes({ NAME: [1, 'string'], NEST: [2, nested(NEST)], ABSENT: [3, 'u8'] })
const DETAILS = attributes({
  MSG: [1, 'string'],
  OFFS: [2, 'u32'],
  TYPE: [5, 'u32'],
  NEST: [6, 'u32'],
})

const { NFT_MSG_NEWTABLE, NFT_MSG_NEWRULE, NFT_MSG_GETTABLE } = MESSAGE_TYPES
const request = make(NFT_MSG_NEWTABLE)

function make(type: number) {
  return makeRequest(type, 0x400, encodeStruct(nfgenmsg, {}), TABLE, {
    NAME: 'abc',
    NEST: { INSIDE: 7 },
  })
}

function open(kernel: Kernel) {
  const native = new FakeNative(kernel)
  return { native, socket: new NetlinkSocket(native) }
}

/** As the kernel does: those that ask for it. */
const NLM_F_ACK = 4
const acknowledgeAll: Kernel = (requests) =>
  requests.filter(({ flags }) => flags & NLM_F_ACK).map((each) => acknowledgement(each, 0))

const dumpRequest = make(NFT_MSG_GETTABLE)
const NO_ANSWER = { code: 'NETLINK_NO_ANSWER' }

/** One attempt after the other, each a list of datagrams for the request. */
function attempts(...all: readonly Kernel[]): Kernel {
  let attempt = 0
  return (requests) => all[Math.min(attempt++, all.length - 1)]?.(requests) ?? []
}

describe('requests', () => {
  test('are numbered and sent as one datagram, of which the last is acknowledged', () => {
    const { native, socket } = open(acknowledgeAll)
    expect(socket.requests([request, make(NFT_MSG_NEWRULE)])).toEqual([])
    socket.request(request)
    expect(
      native.sent.map((each) => each.map(({ type, flags, sequence }) => [type, flags, sequence])),
    ).toEqual([
      [
        [NFT_MSG_NEWTABLE, 0x401, 1],
        [NFT_MSG_NEWRULE, 0x405, 2],
      ],
      [[NFT_MSG_NEWTABLE, 0x405, 3]],
    ])
  })

  test('of none send nothing', () => {
    const { native, socket } = open(acknowledgeAll)
    expect(socket.requests([])).toEqual([])
    expect(socket.batch([])).toEqual([])
    expect(native.sent).toEqual([])
  })

  test('return what answers them, also from a datagram of several', () => {
    const { socket } = open(([first]) =>
      first
        ? [
            Buffer.concat([answer(first, 99, bytes('01 02 03 04')), answer(first, 98, bytes(''))]),
            acknowledgement(first, 0),
          ]
        : [],
    )
    expect(socket.request(request).map(({ type, payload }) => [type, hex(payload)])).toEqual([
      [99, '01 02 03 04'],
      [98, ''],
    ])
  })

  test('do not see what is meant for others', () => {
    const { socket } = open(([first]) =>
      first
        ? [
            acknowledgement(first, 1, { portId: PORT_ID + 1 }),
            acknowledgement(first, 1, { sequence: first.sequence - 1 }),
            answer(first, 99, bytes(''), { sequence: first.sequence + 1 }),
            acknowledgement(first, 0),
          ]
        : [],
    )
    expect(socket.request(request)).toEqual([])
  })

  test('without an answer are an error', () => {
    const { socket } = open((requests) =>
      requests.slice(0, -1).map((each) => acknowledgement(each, 0)),
    )
    const error = caught(NetlinkSocketError, () => socket.requests([request, request]))
    expect(error.code).toBe('NETLINK_NO_ANSWER')
    expect(error.message).toContain('NFT_MSG_NEWTABLE')
  })
})

describe('refusals', () => {
  test('name the request, the errno, the words of the kernel and the attribute', () => {
    const { socket } = open((requests) =>
      requests.map((each, i) =>
        i === 1
          ? // 16 of nlmsghdr, 4 of nfgenmsg, 8 of NAME, 4 of NEST's header.
            acknowledgement(each, 2, {
              details: encode(DETAILS, { MSG: 'no such thing', OFFS: 32 }),
            })
          : acknowledgement(each, 0),
      ),
    )
    const error = caught(NetlinkError, () => socket.requests([request, make(NFT_MSG_NEWRULE)]))
    expect(error).toMatchObject({
      code: 'ENOENT',
      errno: 2,
      request: 'NFT_MSG_NEWRULE',
      index: 1,
      text: 'no such thing',
      attribute: 'NEST/INSIDE',
      missing: undefined,
    })
    expect(error.message).toBe(
      'The kernel refused NFT_MSG_NEWRULE (number 1, counted from 0) with ENOENT: no such thing, at NEST/INSIDE.',
    )
  })

  test('are all kept, the first is the error', () => {
    const { socket } = open((requests) => requests.map((each, i) => acknowledgement(each, i)))
    const error = caught(NetlinkError, () => socket.requests([request, request, request]))
    expect(error.code).toBe('EPERM')
    expect(error.refusals.map(({ code, index }) => [code, index])).toEqual([
      ['EPERM', 1],
      ['ENOENT', 2],
    ])
  })

  test.each([
    [{ TYPE: 3 }, 'ABSENT'],
    [{ TYPE: 2, NEST: 28 }, 'NEST/MISSING'],
    [{ TYPE: 9, NEST: 28 }, 'NEST/attribute 9'],
    [{ TYPE: 77 }, 'attribute 77'],
  ])('name the attribute that was missing: %o', (details, missing) => {
    const { socket } = open((requests) =>
      requests.map((each) => acknowledgement(each, 22, { details: encode(DETAILS, details) })),
    )
    expect(caught(NetlinkError, () => socket.request(request)).missing).toBe(missing)
  })

  test('behind the whole refused message are read too', () => {
    const details = encode(DETAILS, { MSG: 'words' })
    const { socket } = open((requests) =>
      requests.map((each) =>
        acknowledgement(each, 22, {
          flags: 0x200,
          details: Buffer.concat([each.payload, details]),
        }),
      ),
    )
    expect(caught(NetlinkError, () => socket.request(request)).text).toBe('words')
  })

  test('of an error number without a name', () => {
    const { socket } = open((requests) => requests.map((each) => acknowledgement(each, 4000)))
    expect(caught(NetlinkError, () => socket.request(request)).code).toBe('errno 4000')
  })

  test('that never comes, at the greeting', () => {
    const native = new FakeNative(() => [])
    native.send = () => {}
    expect(caught(NetlinkSocketError, () => new NetlinkSocket(native)).code).toBe(
      'NETLINK_NO_ANSWER',
    )
  })
})

describe('batches', () => {
  test('stand between two marks, and the last asks for an acknowledgement', () => {
    const { native, socket } = open(acknowledgeAll)
    socket.batch([request, request], 0x0102)
    expect(
      native.sent[0]?.map(({ type, flags, payload }) => [type, flags, hex(payload).slice(0, 35)]),
    ).toEqual([
      [16, 1, '00 00 00 0a 08 00 01 00 00 00 01 02'],
      [
        NFT_MSG_NEWTABLE,
        0x401,
        hex(Buffer.concat([request.header, request.attributes])).slice(0, 35),
      ],
      [
        NFT_MSG_NEWTABLE,
        0x405,
        hex(Buffer.concat([request.header, request.attributes])).slice(0, 35),
      ],
      [17, 1, '00 00 00 0a'],
    ])
  })

  test('count their requests from 0', () => {
    const { socket } = open((requests) =>
      requests.slice(1, -1).map((each, i) => acknowledgement(each, i === 1 ? 17 : 0)),
    )
    expect(caught(NetlinkError, () => socket.batch([request, request]))).toMatchObject({
      code: 'EEXIST',
      index: 1,
    })
  })

  test('can be refused as a whole', () => {
    const { socket } = open(([begin]) => (begin ? [acknowledgement(begin, 85)] : []))
    const error = caught(NetlinkError, () => socket.batch([request], 1))
    expect(error).toMatchObject({ code: 'ERESTART', index: -1, request: 'the batch' })
    expect(error.message).toBe('The kernel refused the batch with ERESTART.')
  })
})

describe('a failed exchange', () => {
  test.each(['EMSGSIZE', 'ENOBUFS', 'ENOMEM'])('sending %s says that it was too much', (code) => {
    const { socket } = open(() => {
      throw nativeError(code)
    })
    const error = caught(NetlinkSocketError, () => socket.request(request))
    expect(error.code).toBe('NETLINK_TOO_LARGE')
    expect(error.message).toContain(`40 bytes at once (${code})`)
  })

  test('another error of sending is left as it is', () => {
    const { socket } = open(() => {
      throw nativeError('EBADF')
    })
    expect(() => socket.request(request)).toThrow(expect.objectContaining({ code: 'EBADF' }))
  })

  test('lost answers are an error, and the next exchange goes well', () => {
    let first = true
    const { socket } = open((requests) => {
      const answers = requests.map((each) => acknowledgement(each, 0))
      if (!first) return answers
      first = false
      return [nativeError('ENOBUFS'), ...answers, nativeError('ENOBUFS')]
    })
    expect(caught(NetlinkSocketError, () => socket.request(request)).code).toBe('NETLINK_LOST')
    expect(socket.request(request)).toEqual([])
  })

  test.each([
    ['half a header', '10 00 00 00 02 00'],
    ['a length below the header', '0f 00 00 00 02 00 00 00 01 00 00 00 67 12 00 00'],
    ['a length past the end', '11 00 00 00 02 00 00 00 01 00 00 00 67 12 00 00'],
    ['an error without its number', '12 00 00 00 02 00 00 00 01 00 00 00 67 12 00 00 00 00'],
    [
      'damaged details',
      '28 00 00 00 02 00 00 03 01 00 00 00 67 12 00 00 fe ff ff ff 2c 00 00 00 00 0a 05 04 01 00 00 00 67 12 00 00 ff 00 01 00',
    ],
  ])('%s is a typed error, and the next exchange goes well', (_, datagram) => {
    let first = true
    const { socket } = open((requests) => {
      if (!first) return acknowledgeAll(requests)
      first = false
      return [bytes(datagram), ...acknowledgeAll(requests)]
    })
    caught(NetlinkDecodeError, () => socket.request(request))
    expect(socket.request(request)).toEqual([])
  })
})

describe('dumps', () => {
  const INTERRUPTED = { flags: 0x12 }

  function items(...values: readonly number[]): Kernel {
    return ([first]) =>
      first ? [...values.map((value) => answer(first, 99, Uint8Array.of(value))), done(first)] : []
  }

  const interruptedAtItem: Kernel = ([first]) =>
    first ? [answer(first, 99, Uint8Array.of(66), INTERRUPTED), done(first)] : []
  const interruptedAtEnd: Kernel = ([first]) =>
    first ? [answer(first, 99, Uint8Array.of(66)), done(first, 0, INTERRUPTED)] : []

  test('ask with NLM_F_DUMP and no acknowledgement, and read every message', () => {
    const { native, socket } = open(items(1, 2, 3))
    expect(socket.dump(dumpRequest, ({ payload }) => payload[0])).toEqual([1, 2, 3])
    expect(native.sent[0]?.[0]?.flags).toBe(0x701)
  })

  test.each([
    ['at a message', interruptedAtItem],
    ['at the end', interruptedAtEnd],
  ])('begin anew when interrupted %s', (_, interrupted) => {
    const { native, socket } = open(attempts(interrupted, interrupted, items(1, 2)))
    expect(socket.dump(dumpRequest, ({ payload }) => payload[0])).toEqual([1, 2])
    expect(native.sent).toHaveLength(3)
  })

  test('begin anew when nf_tables has another generation than at the first message', () => {
    const generations =
      (...resIds: readonly number[]): Kernel =>
      ([first]) => {
        if (!first) return []
        const messages = resIds.map((res_id) =>
          answer(first, MESSAGE_TYPES.NFT_MSG_NEWSETELEM, encodeStruct(nfgenmsg, { res_id })),
        )
        return [...messages, done(first)]
      }
    const { native, socket } = open(attempts(generations(7, 7, 8), generations(8, 8)))
    expect(socket.dump(dumpRequest, ({ payload }) => payload[3])).toEqual([8, 8])
    expect(native.sent).toHaveLength(2)
  })

  test('give up after 16 interruptions', () => {
    const { native, socket } = open(attempts(interruptedAtEnd))
    const error = caught(NetlinkSocketError, () => socket.dump(dumpRequest, () => 0))
    expect(error.code).toBe('NETLINK_INTERRUPTED')
    expect(native.sent).toHaveLength(16)
  })

  test('do not mix with the rest of an earlier one', () => {
    const { socket } = open(items(1, 2, 3))
    const stop = new Error('stop')
    expect(() =>
      socket.dump(dumpRequest, () => {
        throw stop
      }),
    ).toThrow(stop)
    expect(socket.dump(dumpRequest, ({ payload }) => payload[0])).toEqual([1, 2, 3])
  })

  test.each([
    ['before it begins', (first) => [acknowledgement(first, 2)]],
    ['at its end', (first) => [answer(first, 99, bytes('')), done(first, 2)]],
  ] satisfies [string, (first: Parameters<Kernel>[0][0]) => Uint8Array[]][])(
    'can be refused %s',
    (_, refuse) => {
      const { socket } = open(([first]) => (first ? refuse(first) : []))
      expect(caught(NetlinkError, () => socket.dump(dumpRequest, () => 0))).toMatchObject({
        code: 'ENOENT',
        request: 'NFT_MSG_GETTABLE',
      })
    },
  )

  test('that do not end are an error', () => {
    const { socket } = open(([first]) => (first ? [answer(first, 99, bytes(''))] : []))
    expect(caught(NetlinkSocketError, () => socket.dump(dumpRequest, () => 0)).code).toBe(
      'NETLINK_NO_ANSWER',
    )
  })

  test('in steps let the event loop turn, keep the socket to themselves, and read the same', async () => {
    const { socket } = open(attempts(interruptedAtEnd, items(1, 2, 3), acknowledgeAll))
    let turned = false
    setImmediate(() => {
      turned = true
    })
    const result = socket.dumpApart(dumpRequest, ({ payload }) => payload[0])
    expect(caught(NetlinkSocketError, () => socket.request(request)).code).toBe('NETLINK_BUSY')
    expect(await result).toEqual([1, 2, 3])
    expect(turned).toBe(true)
    expect(socket.request(request)).toEqual([])
  })
})

describe('on another thread', () => {
  test('requests are answered as they are on this one', async () => {
    const { socket } = open(([first, second]) =>
      first && second ? [acknowledgement(first, 0), acknowledgement(second, 17)] : [],
    )
    const answers = socket.requestsApart([request, make(NFT_MSG_NEWRULE)])
    expect(caught(NetlinkSocketError, () => socket.request(request)).code).toBe('NETLINK_BUSY')
    await expect(answers).rejects.toMatchObject({ code: 'EEXIST', request: 'NFT_MSG_NEWRULE' })
    expect(await socket.requestsApart([])).toEqual([])
  })

  test('lost answers are an error, and the next exchange goes well', async () => {
    const { socket } = open(attempts(() => [nativeError('ENOBUFS')], acknowledgeAll))
    await expect(socket.requestsApart([request])).rejects.toMatchObject({ code: 'NETLINK_LOST' })
    expect(await socket.requestsApart([request])).toEqual([])
  })

  test('a dump that does not end is an error', async () => {
    const { socket } = open(([first]) => (first ? [answer(first, 99, bytes(''))] : []))
    const dump = socket.dumpApart(dumpRequest, () => 0)
    await expect(dump).rejects.toMatchObject({ code: 'NETLINK_NO_ANSWER' })
  })
})

describe('a dump in pieces', () => {
  async function readAll(socket: NetlinkSocket): Promise<unknown[]> {
    const replies: unknown[] = []
    for await (const piece of socket.dumpInPieces(dumpRequest)) replies.push(...piece)
    return replies
  }

  /** More datagrams than one piece has. */
  const long = Array.from({ length: 10 }, (_, number) => number)
  const datagramEach: Kernel = ([first]) =>
    first ? [...long.map((each) => answer(first, 99, Uint8Array.of(each))), done(first)] : []

  test('has every message once, and keeps the socket to itself', async () => {
    const { native, socket } = open(attempts(datagramEach, acknowledgeAll))
    const pieces: (number | undefined)[][] = []
    for await (const replies of socket.dumpInPieces(dumpRequest)) {
      expect(caught(NetlinkSocketError, () => socket.request(request)).code).toBe('NETLINK_BUSY')
      pieces.push(replies.map(({ payload }) => payload[0]))
    }
    expect(pieces.length).toBeGreaterThan(1)
    expect(pieces.flat()).toEqual(long)
    expect(native.sent[0]?.[0]?.flags).toBe(0x701)
    expect(socket.request(request)).toEqual([])
  })

  test('is not begun anew when the state changes meanwhile', async () => {
    const interrupted: Kernel = ([first]) =>
      first ? [answer(first, 99, Uint8Array.of(1), { flags: 0x10 }), done(first)] : []
    const { native, socket } = open(interrupted)
    expect(await readAll(socket)).toHaveLength(1)
    expect(native.sent).toHaveLength(1)
  })

  test('may be given up: what is left of it is no answer to anything else', async () => {
    const { socket } = open(attempts(datagramEach, acknowledgeAll, datagramEach))
    for await (const _ of socket.dumpInPieces(dumpRequest)) break
    expect(socket.request(request)).toEqual([])
    expect(await readAll(socket)).toHaveLength(long.length)
  })

  test('that is given up while its answers are lost lets the socket be used again', async () => {
    const lossy: Kernel = (requests) => [
      ...datagramEach(requests).slice(0, 4),
      nativeError('ENOBUFS'),
    ]
    const { socket } = open(attempts(lossy, acknowledgeAll))
    for await (const _ of socket.dumpInPieces(dumpRequest)) break
    expect(socket.request(request)).toEqual([])
  })

  test.each<[string, Kernel, object]>([
    [
      'that is refused',
      ([first]) => (first ? [acknowledgement(first, 2)] : []),
      { code: 'ENOENT' },
    ],
    ['without an end', ([first]) => (first ? [answer(first, 99, bytes(''))] : []), NO_ANSWER],
    ['of which datagrams are lost', () => [nativeError('ENOBUFS')], { code: 'NETLINK_LOST' }],
    ['that is damaged', () => [bytes('ff')], { code: 'NETLINK_DECODE' }],
  ])('%s is an error, and the next exchange goes well', async (_, kernel, error) => {
    const { socket } = open(attempts(kernel, acknowledgeAll))
    await expect(readAll(socket)).rejects.toMatchObject(error)
    expect(socket.request(request)).toEqual([])
  })
})

test('close closes the native socket', () => {
  const { native, socket } = open(acknowledgeAll)
  socket.close()
  expect(native.closed).toBe(true)
})
