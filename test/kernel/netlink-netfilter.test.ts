import { execFileSync } from 'node:child_process'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { attributes, list, nested } from '../../src/netlink/attributes.ts'
import type {
  AttributeSpec,
  AttributeTable,
  AttributeValues,
} from '../../src/netlink/attributes.ts'
import { connectionPieces } from '../../src/netlink/connection-pieces.ts'
import {
  createConnection,
  deleteConnection,
  IPS_ASSURED,
  IPS_CONFIRMED,
  IPS_SEEN_REPLY,
  listConnections,
} from '../../src/netlink/conntrack.ts'
import type { Connection, Tuple } from '../../src/netlink/conntrack.ts'
import {
  NETLINK_NETFILTER,
  NFPROTO_INET,
  NLM_F_CREATE,
  NLM_F_ECHO,
  NLM_F_EXCL,
} from '../../src/netlink/constants.ts'
import { NetlinkSocketError } from '../../src/netlink/errors.ts'
import { nfgenmsg } from '../../src/netlink/headers.ts'
import type { ConnectionEnds, TupleEnds } from '../../src/netlink/listed-connection.ts'
import { makeRequest, readReply } from '../../src/netlink/message.ts'
import type { Request } from '../../src/netlink/message.ts'
import { MESSAGE_TYPES } from '../../src/netlink/message-types.ts'
import { bindLogGroup, configureLogGroup } from '../../src/netlink/nflog.ts'
import { openNetlink } from '../../src/netlink/socket.ts'
import type { NetlinkSocket } from '../../src/netlink/socket.ts'
import { encodeStruct } from '../../src/netlink/struct.ts'
import { ip4, ip6 } from '../../src/policy/address.ts'
import type { Address } from '../../src/policy/address.ts'
import { openNamespaces, pathOf } from './netlink-namespaces.ts'
import { refusal } from './refusal.ts'

/** linux/netfilter/nf_tables.h, as much as these tests need. */
const NFTA_TABLE = attributes({ NFTA_TABLE_NAME: [1, 'string'], NFTA_TABLE_HANDLE: [4, 'be64'] })
const NFTA_SET = attributes({
  NFTA_SET_TABLE: [1, 'string'],
  NFTA_SET_NAME: [2, 'string'],
  NFTA_SET_KEY_TYPE: [4, 'be32'],
  NFTA_SET_KEY_LEN: [5, 'be32'],
  NFTA_SET_ID: [10, 'be32'],
})
const NFTA_DATA = attributes({ NFTA_DATA_VALUE: [1, 'binary'] })
const NFTA_SET_ELEM = attributes({ NFTA_SET_ELEM_KEY: [1, nested(NFTA_DATA)] })
const NFTA_SET_ELEM_LIST = attributes({
  NFTA_SET_ELEM_LIST_TABLE: [1, 'string'],
  NFTA_SET_ELEM_LIST_SET: [2, 'string'],
  NFTA_SET_ELEM_LIST_ELEMENTS: [3, list(NFTA_SET_ELEM)],
})

let namespaces: ReturnType<typeof openNamespaces>
let node = ''
let socket: NetlinkSocket

beforeAll(() => {
  namespaces = openNamespaces('f')
  ;[node = ''] = namespaces.names
  socket = openNetlink(NETLINK_NETFILTER, { netns: pathOf(node) })
})

afterAll(() => {
  socket?.close()
  namespaces?.close()
})

function run(...command: readonly string[]): string {
  return execFileSync('ip', ['netns', 'exec', node, ...command], {
    encoding: 'utf8',
    stdio: 'pipe',
  })
}

describe('nf_tables transactions', () => {
  const { NFT_MSG_NEWTABLE, NFT_MSG_DELTABLE, NFT_MSG_NEWSET, NFT_MSG_NEWSETELEM } = MESSAGE_TYPES

  function inet<S extends AttributeSpec>(
    type: number,
    flags: number,
    table: AttributeTable<S>,
    values: NoInfer<AttributeValues<S>>,
  ): Request {
    return makeRequest(
      type,
      flags,
      encodeStruct(nfgenmsg, { nfgen_family: NFPROTO_INET }),
      table,
      values,
    )
  }

  const table = inet(NFT_MSG_NEWTABLE, NLM_F_CREATE, NFTA_TABLE, { NFTA_TABLE_NAME: 't' })
  const set = inet(NFT_MSG_NEWSET, NLM_F_CREATE, NFTA_SET, {
    NFTA_SET_TABLE: 't',
    NFTA_SET_NAME: 's',
    NFTA_SET_KEY_TYPE: 7,
    NFTA_SET_KEY_LEN: 4,
    NFTA_SET_ID: 1,
  })

  function elements(...keys: readonly Uint8Array[]): Request {
    return inet(NFT_MSG_NEWSETELEM, NLM_F_CREATE | NLM_F_EXCL, NFTA_SET_ELEM_LIST, {
      NFTA_SET_ELEM_LIST_TABLE: 't',
      NFTA_SET_ELEM_LIST_SET: 's',
      NFTA_SET_ELEM_LIST_ELEMENTS: keys.map((key) => ({
        NFTA_SET_ELEM_KEY: { NFTA_DATA_VALUE: key },
      })),
    })
  }

  beforeEach(() => {
    run('nft', 'flush', 'ruleset')
  })

  test('are carried out as one', () => {
    socket.batch([table, set, elements(Uint8Array.of(10, 0, 0, 1), Uint8Array.of(10, 0, 0, 2))])
    expect(run('nft', 'list', 'set', 'inet', 't', 's')).toContain(
      'elements = { 10.0.0.1, 10.0.0.2 }',
    )
  })

  test('are refused as one; the error names the request, the attribute and its place', () => {
    const error = refusal(() =>
      socket.batch([
        table,
        set,
        elements(Uint8Array.of(10, 0, 0, 1), Uint8Array.of(1, 2, 3, 4, 5)),
      ]),
    )
    expect(error).toMatchObject({
      code: 'EINVAL',
      request: 'NFT_MSG_NEWSETELEM',
      index: 2,
      attribute: 'NFTA_SET_ELEM_LIST_ELEMENTS[1]',
    })
    expect(run('nft', 'list', 'ruleset')).toBe('')
  })

  test('keep every refusal', () => {
    const missing = inet(NFT_MSG_DELTABLE, 0, NFTA_TABLE, { NFTA_TABLE_NAME: 'none' })
    const error = refusal(() => socket.batch([missing, table, missing]))
    expect(error.refusals.map(({ index, code, attribute }) => [index, code, attribute])).toEqual([
      [0, 'ENOENT', 'NFTA_TABLE_NAME'],
      [2, 'ENOENT', 'NFTA_TABLE_NAME'],
    ])
  })

  test('are refused when the ruleset is of another generation', () => {
    expect(refusal(() => socket.batch([table], 0xffff_fff0))).toMatchObject({
      code: 'ERESTART',
      index: -1,
    })
  })

  test('return echoes', () => {
    const [echo] = socket.batch([{ ...table, flags: NLM_F_CREATE | NLM_F_ECHO }])
    expect(echo?.type).toBe(NFT_MSG_NEWTABLE)
    expect(echo && readReply(echo, nfgenmsg, NFTA_TABLE).attributes).toMatchObject({
      NFTA_TABLE_NAME: 't',
      NFTA_TABLE_HANDLE: expect.any(BigInt),
    })
  })

  test('hold ten thousand requests, each acknowledged', () => {
    const keys = Array.from({ length: 10_000 }, (_, i) => Uint8Array.of(10, 1, i >> 8, i & 0xff))
    socket.batch([table, set, ...keys.map((key) => elements(key))])
    expect(
      run('nft', '-j', 'list', 'set', 'inet', 't', 's').match(/10\.1\.\d+\.\d+/g),
    ).toHaveLength(10_000)
  })

  test('too large for the socket are not sent, and say so', () => {
    const filled = elements(...Array.from({ length: 4000 }, () => new Uint8Array(4)))
    try {
      socket.batch(Array.from({ length: 1200 }, () => filled))
      expect.unreachable()
    } catch (error) {
      if (!(error instanceof NetlinkSocketError)) throw error
      expect(error.code).toBe('NETLINK_TOO_LARGE')
    }
    socket.batch([table])
    expect(run('nft', 'list', 'ruleset')).toContain('table inet t')
  })

  test('a dump shows one state although another writes', () => {
    const writer = openNetlink(NETLINK_NETFILTER, { netns: pathOf(node) })
    try {
      const keys = Array.from({ length: 10_000 }, (_, i) => Uint8Array.of(10, 2, i >> 8, i & 0xff))
      writer.batch([table, set])
      for (let i = 0; i < keys.length; i += 2000)
        writer.batch([elements(...keys.slice(i, i + 2000))])
      const request = inet(MESSAGE_TYPES.NFT_MSG_GETSETELEM, 0, NFTA_SET_ELEM_LIST, {
        NFTA_SET_ELEM_LIST_TABLE: 't',
        NFTA_SET_ELEM_LIST_SET: 's',
      })
      let replies = 0
      let written = 0
      // While the first messages are read, the set changes under the dump.
      const dumped = socket.dump(request, (reply) => {
        const { NFTA_SET_ELEM_LIST_ELEMENTS: found = [] } = readReply(
          reply,
          nfgenmsg,
          NFTA_SET_ELEM_LIST,
        ).attributes
        if (replies++ < 2) writer.batch([elements(Uint8Array.of(10, 3, 0, written++))])
        return found.length
      })
      expect(written).toBe(2)
      expect(replies).toBeGreaterThan(dumped.length)
      expect(dumped.reduce((sum, count) => sum + count, 0)).toBe(10_002)
    } finally {
      writer.close()
    }
  })
})

describe('connections', () => {
  const TCP = 6
  const UDP = 17
  const ICMP = 1
  const ICMPV6 = 58
  const GRE = 47
  const a = ip4(0x0a00_0001)
  const b = ip4(0x0a00_0002)
  const service = ip4(0x0a60_0001)
  const a6 = ip6((0xfd00n << 112n) | 1n)
  const b6 = ip6((0xfd00n << 112n) | 2n)

  function connection(
    protocol: number,
    [src, dst]: readonly [Address, Address],
    ports: readonly [number, number],
    reply: Partial<Tuple> = {},
  ) {
    const [sport, dport] = ports
    return {
      protocol,
      original: { src, dst, sport, dport },
      reply: { src: dst, dst: src, sport: dport, dport: sport, ...reply },
      zone: 0,
      status: IPS_CONFIRMED | IPS_SEEN_REPLY | IPS_ASSURED,
      mark: 0x1234_5678,
      timeoutSeconds: 600,
    }
  }

  function ping(
    protocol: number,
    [src, dst]: readonly [Address, Address],
    [there, back]: readonly [number, number],
  ) {
    const base = connection(protocol, [src, dst], [0, 0])
    return {
      ...base,
      original: { ...base.original, icmp: { type: there, code: 0, id: 77 } },
      reply: { ...base.reply, icmp: { type: back, code: 0, id: 77 } },
    }
  }

  const cases = {
    tcp: connection(TCP, [a, b], [40_000, 80]),
    'udp to a service': connection(UDP, [a, service], [40_000, 53], { src: b, sport: 5353 }),
    'udp over IPv6': connection(UDP, [a6, b6], [40_000, 53]),
    icmp: ping(ICMP, [a, b], [8, 0]),
    icmpv6: ping(ICMPV6, [a6, b6], [128, 129]),
    'in a zone': { ...connection(TCP, [a, b], [40_001, 80]), zone: 7 },
    gre: connection(GRE, [a, b], [0, 0]),
  }

  beforeEach(() => {
    for (const each of listConnections(socket)) socket.request(deleteConnection(each))
  })

  test.each(Object.entries(cases))('%s is read as it was made, and deleted', (_, made) => {
    const bystander = connection(TCP, [b, a], [1, 2])
    socket.requests([createConnection(made), createConnection(bystander)])
    const found = listConnections(socket).filter(
      ({ original }) => original.src === made.original.src,
    )
    expect(found).toMatchObject([
      {
        ...made,
        family: typeof made.original.src === 'number' ? 4 : 6,
        id: expect.any(Number),
        timeoutSeconds: expect.any(Number),
        master: undefined,
      },
    ])
    socket.requests(found.map(deleteConnection))
    expect(listConnections(socket)).toHaveLength(1)
  })

  test('are those that conntrack(8) lists', () => {
    run(
      'conntrack',
      '-I',
      '-s',
      '10.0.0.1',
      '-d',
      '10.0.0.2',
      '-p',
      'udp',
      '--sport',
      '1000',
      '--dport',
      '53',
      '-t',
      '100',
      '-m',
      '5',
    )
    expect(listConnections(socket)).toMatchObject([
      { family: 4, protocol: UDP, original: { src: a, dst: b, sport: 1000, dport: 53 }, mark: 5 },
    ])
    socket.requests([createConnection(cases.tcp), createConnection(cases['udp to a service'])])
    const lines = run('conntrack', '-L', '-o', 'id')
    expect(lines).toContain(
      'src=10.0.0.1 dst=10.96.0.1 sport=40000 dport=53 src=10.0.0.2 dst=10.0.0.1 sport=5353 dport=40000',
    )
    const ids = listConnections(socket).map(({ id }) => `id=${id}`)
    expect(ids.filter((id) => !lines.includes(id))).toEqual([])
  })

  test('of one family', () => {
    socket.requests([createConnection(cases.tcp), createConnection(cases['udp over IPv6'])])
    expect(listConnections(socket, 4).map(({ protocol }) => protocol)).toEqual([TCP])
    expect(listConnections(socket, 6).map(({ protocol }) => protocol)).toEqual([UDP])
  })

  test('another one on the same tuple is not deleted', () => {
    socket.request(createConnection(cases.tcp))
    const [old] = listConnections(socket)
    if (!old) throw new Error('There is no connection.')
    socket.request(deleteConnection(old))
    socket.request(createConnection(cases.tcp))
    const [fresh] = listConnections(socket)
    const stale: Connection = fresh?.id === old.id ? { ...old, id: 1 } : old
    expect(refusal(() => socket.request(deleteConnection(stale))).code).toBe('ENOENT')
    expect(listConnections(socket)).toHaveLength(1)
  })

  test('are made by the thousand, and listed piece by piece', async () => {
    const many = Array.from({ length: 5000 }, (_, i) =>
      i % 2 === 0
        ? connection(UDP, [a, service], [1000 + i, 53], { src: b, sport: 5353 })
        : connection(TCP, [a6, b6], [1000 + i, 80]),
    )
    socket.requests(many.map(createConnection))
    socket.requests(Object.values(cases).map(createConnection))
    const ends: ConnectionEnds[] = []
    const whole: Connection[] = []
    let pieces = 0
    for await (const piece of connectionPieces(socket)) {
      pieces += 1
      for (const entry of piece) {
        expect(entry.isExpected).toBe(false)
        ends.push(endsOf(entry))
        whole.push(entry.decode())
      }
    }
    expect(pieces).toBeGreaterThan(2)
    expect(ends).toEqual(whole.map(endsOf))
    expect(keys(whole)).toEqual(keys(listConnections(socket)))
    socket.requests(whole.map(deleteConnection))
    expect(listConnections(socket)).toEqual([])
  })

  test('a listing by pieces may be given up, and again another one begins', async () => {
    const many = Array.from({ length: 5000 }, (_, i) => connection(UDP, [a, b], [1000 + i, 53]))
    socket.requests(many.map(createConnection))
    for await (const _ of connectionPieces(socket)) break
    let listed = 0
    for await (const piece of connectionPieces(socket)) listed += [...piece].length
    expect(listed).toBe(5000)
  })
})

function endsOf({ protocol, original, reply }: ConnectionEnds): ConnectionEnds {
  const tuple = ({ src, dst, sport, dport }: TupleEnds): TupleEnds => ({ src, dst, sport, dport })
  return { protocol, original: tuple(original), reply: tuple(reply) }
}

function keys(connections: readonly Connection[]): string[] {
  return connections.map(({ id, original }) => `${id} ${original.src} ${original.sport}`).toSorted()
}

test('a log group has one listener', () => {
  const second = openNetlink(NETLINK_NETFILTER, { netns: pathOf(node) })
  try {
    const settings = { copyBytes: 96, queuePackets: 32, flushCentiseconds: 10 }
    socket.requests([bindLogGroup(7), configureLogGroup(7, settings)])
    expect(refusal(() => second.request(bindLogGroup(7))).code).toBe('EPERM')
    expect(refusal(() => second.request(configureLogGroup(7, settings))).code).toBe('EPERM')
    expect(refusal(() => second.request(configureLogGroup(8, settings))).code).toBe('ENODEV')
  } finally {
    second.close()
  }
})
