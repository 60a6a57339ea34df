import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BrokenConnection, ProtocolError } from '../../../src/cluster/kubernetes/errors.ts'
import { type Framing, JsonSplitter } from '../../../src/cluster/kubernetes/split-json.ts'

/** What comes of a text in these chunks: the objects, and what is said beside them. */
function split(framing: Framing, chunks: readonly Buffer[]) {
  const splitter = new JsonSplitter(framing)
  const objects = chunks.flatMap((chunk) => splitter.push(chunk))
  return { objects, head: splitter.end() }
}

function cutAt(bytes: Buffer, places: readonly number[]): Buffer[] {
  const edges = [0, ...places.map((place) => place % bytes.length).sort((a, b) => a - b)]
  return edges.map((edge, index) => bytes.subarray(edge, edges[index + 1] ?? bytes.length))
}

const EVENT = '{"a":"\\"}{\\\\","é😀":[{"b":[]},"]}"],"c":null}'
const LIST = ` {"kind":"L","metadata":{"x":[{"items":[{"no":1}]}],"items":[2]},\n"items" : [ ${EVENT} ,\t${EVENT}\r\n],"tail":[1,{"a":2}]} \n`

describe('at every byte', () => {
  const stream = Buffer.from(` ${EVENT}\n${EVENT}${EVENT}\r\n`)
  test('a stream', () => {
    for (let at = 0; at <= stream.length; at++) {
      const { objects } = split('stream', [stream.subarray(0, at), stream.subarray(at)])
      expect(objects).toEqual(Array(3).fill(JSON.parse(EVENT)))
    }
  })

  test('a list, whatever stands before and behind its items', () => {
    const bytes = Buffer.from(LIST)
    for (let at = 0; at <= bytes.length; at++) {
      const { objects, head } = split('list', [bytes.subarray(0, at), bytes.subarray(at)])
      expect(objects).toEqual(Array(2).fill(JSON.parse(EVENT)))
      expect(head).toEqual({ ...JSON.parse(LIST), items: [] })
    }
  })

  test('a list that ends there is not complete', () => {
    const bytes = Buffer.from(LIST.trim())
    for (let at = 1; at < bytes.length; at++) {
      expect(() => split('list', [bytes.subarray(0, at)])).toThrow(BrokenConnection)
    }
  })

  test('a stream that ends there is complete only between objects', () => {
    for (let at = 0; at <= stream.length; at++) {
      const splitter = new JsonSplitter('stream')
      splitter.push(stream.subarray(0, at))
      const before = stream.subarray(0, at).toString().trim()
      if (['', EVENT, EVENT + '\n' + EVENT, `${EVENT}\n${EVENT}${EVENT}`].includes(before)) {
        expect(splitter.end()).toEqual({})
      } else expect(() => splitter.end()).toThrow(BrokenConnection)
    }
  })
})

test('any objects, in any chunks', () => {
  const objects = fc.array(fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue()))
  const property = fc.property(objects, fc.array(fc.nat()), (wanted, places) => {
    const texts = wanted.map((object) => JSON.stringify(object))
    const list = Buffer.from(`{"metadata":{"continue":"x"},"items":[${texts.join(',')}]}`)
    const read = split('list', cutAt(list, places))
    const parsed: unknown[] = texts.map((text) => JSON.parse(text))
    expect(read.objects).toEqual(parsed)
    expect(read.head).toEqual({ metadata: { continue: 'x' }, items: [] })
    const stream = Buffer.from(`${texts.join('\n')}\n`)
    expect(split('stream', cutAt(stream, places)).objects).toEqual(parsed)
  })
  fc.assert(property, { numRuns: 300 })
})

test.each([
  ['{"items":null,"metadata":{}}', []],
  ['{"items":[]}', []],
  ['{"metadata":{}}', []],
])('the list %s has no objects', (text, objects) => {
  expect(split('list', [Buffer.from(text)]).objects).toEqual(objects)
})

test.each<[Framing, string]>([
  ['stream', '[{}]'],
  ['stream', 'null'],
  ['stream', '{},{}'],
  ['stream', '{"a":}'],
  ['stream', '{"a":1]'],
  ['stream', '{}}'],
  ['list', '[]'],
  ['list', '<html></html>'],
  ['list', '{"items":[1]}'],
  ['list', '{"items":[{}}'],
  ['list', '{"items":[{},[]]}'],
  ['list', '{"items":[]} {}'],
  ['list', ''],
])('a %s of %s is refused', (framing, text) => {
  expect(() => split(framing, [Buffer.from(text)])).toThrow(ProtocolError)
})

test('an object may have 8 MiB and not a byte more', () => {
  const sized = (bytes: number) => Buffer.from(`{"a":"${'x'.repeat(bytes - 8)}"}`)
  const chunks = (bytes: Buffer) => cutAt(bytes, [1, 1_000_000, 4_000_000])
  expect(split('stream', chunks(sized(8 * 1024 * 1024))).objects).toHaveLength(1)
  expect(() => split('stream', chunks(sized(8 * 1024 * 1024 + 1)))).toThrow('more than 8192 KiB')
})

test('what is no item may not fill the memory', () => {
  const splitter = new JsonSplitter('list')
  splitter.push(Buffer.from('{"metadata":"'))
  expect(() => {
    for (let i = 0; i < 100; i++) splitter.push(Buffer.alloc(1024, 'x'))
  }).toThrow('the head of a list of more than 64 KiB')
})
