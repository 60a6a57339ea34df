import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as yaml from 'yaml'
import { readYamlText } from '../../src/cluster/yaml-text.ts'

function read(text: string) {
  return readYamlText(text, yaml)
}

function only(text: string) {
  const [document] = read(text)
  if (document === undefined) throw new Error('no document was read')
  return document
}

describe('documents', () => {
  test('each has its place and line; empty ones only count', () => {
    const documents = read('a: 1\n---\n# nothing\n--- # named\n\nb: 2\n---\n')
    expect(documents.map(({ index, line, value }) => ({ index, line, value }))).toEqual([
      { index: 1, line: 1, value: { a: 1 } },
      { index: 3, line: 6, value: { b: 2 } },
    ])
  })

  test('a malformed one leaves those before and after it whole', () => {
    const [before, broken, after] = read('a: 1\n---\nb: [1,\nc: "\n---\nd: 4\n')
    expect(before).toMatchObject({ value: { a: 1 }, error: undefined })
    expect(broken?.error?.message).toMatch(/^malformed YAML: /)
    expect(broken?.error?.line).toBeGreaterThanOrEqual(3)
    expect(after).toMatchObject({ index: 3, value: { d: 4 }, error: undefined })
  })

  test('JSON is read as well, with tabs, escapes and Windows line ends', () => {
    expect(only('{\r\n\t"a": [1, "yes", "\\u00e9\\/"],\r\n\t"b": null\r\n}\r\n')).toMatchObject({
      value: { a: [1, 'yes', 'é/'], b: null },
      error: undefined,
    })
  })

  test('a byte order mark is no part of the text', () => {
    expect(only('\uFEFFa: 1').value).toEqual({ a: 1 })
  })

  test('--- inside a block of text is text', () => {
    expect(only('a: |\n  x\n  ---\n  y\n').value).toEqual({ a: 'x\n---\ny\n' })
  })
})

describe('values as kubectl reads them', () => {
  test.each([
    ['a: yes', { a: true }],
    ['a: "yes"', { a: 'yes' }],
    ['a: 010', { a: 8 }],
    ["a: '010'", { a: '010' }],
    ['a:', { a: null }],
    ['a: 2001-12-14', { a: '2001-12-14' }],
    ['yes: 1\n010: x\n1.5: z', { true: 1, 8: 'x', '1.5': 'z' }],
    ['a: >-\n  x\n  y', { a: 'x y' }],
    ['a: !!str 8', { a: '8' }],
    ['__proto__: {a: 1}', JSON.parse('{"__proto__":{"a":1}}')],
    ['a: &x {k: 1}\nb: *x', { a: { k: 1 }, b: { k: 1 } }],
    ['a: &x {k: 1, l: 2}\nb: {k: 3, <<: *x}', { a: { k: 1, l: 2 }, b: { k: 3, l: 2 } }],
    [
      'a: &x {k: 1}\nb: &y {k: 2, m: 3}\nc: {<<: [*x, *y]}',
      expect.objectContaining({ c: { k: 1, m: 3 } }),
    ],
  ])('%j', (text, value) => expect(only(text).value).toEqual(value))
})

describe('what is refused, and where', () => {
  test.each([
    ['a: 1\nb: 2\na: 3', 3, 'the key "a" is there twice; keep one'],
    ['true: 1\nyes: 2', 2, 'the key "true" is there twice; keep one'],
    [
      'a: 1\nb: !!binary aGk=',
      2,
      'the tag tag:yaml.org,2002:binary is not allowed; write the plain value',
    ],
    ['a: !include x', 1, 'the tag !include is not allowed; write the plain value'],
    ['x: 1\na: *b', 2, 'the alias *b refers to no complete value before it'],
    ['a: &a [*a]', 1, 'the alias *a refers to no complete value before it'],
    ['a: 1\n? \nb: 2', 2, 'a key must be a string'],
    ['[a, b]: 1', 1, 'a key must be a string'],
    ['a: &x 1\nb:\n  <<: *x', 3, 'the merge key << needs an object or a list of objects'],
    ['a:\n\tb: 1', 2, 'malformed YAML: Tabs are not allowed as indentation'],
    ['a: 1\n...\nb: 2', 3, 'text follows the end of the document; put --- between them'],
  ])('%j', (text, line, message) => expect(only(text).error).toEqual({ line, message }))

  test('aliases that multiply beyond all measure, without writing them out', () => {
    const levels = 'bcdefghijklmnop'.split('').map((name, at) => {
      const before = String.fromCharCode('a'.charCodeAt(0) + at)
      return `${name}: &${name} [${Array(9).fill(`*${before}`).join(', ')}]`
    })
    expect(only(['a: &a ["lol"]', ...levels].join('\n')).error?.message).toBe(
      'its aliases make it larger than 64 MiB',
    )
  })

  test('nesting without end', () => {
    expect(only('['.repeat(50_000)).error?.message).toBe('it is nested deeper than can be read')
  })

  test('many keys are compared in good time', () => {
    const text = Array.from({ length: 20_000 }, (_, at) => `key${at}: ${at}`).join('\n')
    expect(only(`${text}\nkey7: 1`).error?.line).toBe(20_001)
  })
})

describe('lines of paths', () => {
  const document = read(
    [
      'first: document',
      '---',
      'metadata:',
      '  labels:',
      '    app.kubernetes.io/name: web',
      'spec:',
      '  ingress:',
      '    - from:',
      '        - podSelector: {}',
      '        - ipBlock: {cidr: 10.0.0.0/8,',
      '            except: [10.1.0.0/16]}',
      '    - &rule',
      '      ports: [{port: 80}]',
      '    - *rule',
    ].join('\n'),
  )[1]

  test.each([
    ['', 3],
    ['spec', 6],
    ['spec.ingress[0]', 8],
    ['spec.ingress[0].from[1]', 10],
    ['spec.ingress[0].from[1].ipBlock.except[0]', 11],
    ['spec.ingress[1].ports[0].port', 13],
    ['spec.ingress[2].ports', 13],
    ['spec.ingress[7].from', 7],
    ['spec.podSelector', 6],
    ['status.podIPs', 3],
    ['metadata.labels["app.kubernetes.io/name"]', 5],
    ['metadata.labels["no \\"such\\" key"].x', 4],
  ])('%s', (path, line) => expect(document?.locate(path)).toBe(line))
})

test('a line can be quoted', () => {
  expect(read('a: 1\n---\nb: 2\nc: 3 # three')[1]?.textOf(4)).toBe('c: 3 # three')
})

test('sizes count what aliases stand for', () => {
  const { sizeAt, value } = only('a: &x "12345678"\nb: [*x, *x]')
  expect(sizeAt('')).toBeGreaterThanOrEqual(JSON.stringify(value).length)
  expect(sizeAt('')).toBeLessThan(2 * JSON.stringify(value).length)
  expect(sizeAt('b[1]')).toBe(10)
})

describe('property', () => {
  test('no text makes the reader throw', () => {
    const token = fc.constantFrom(...FRAGMENTS)
    fc.assert(
      fc.property(fc.array(token, { maxLength: 40 }), (tokens) => {
        for (const document of read(tokens.join(''))) document.locate('a[0].x')
      }),
      { numRuns: 2_000 },
    )
  })

  test('JSON is read as JSON.parse reads it', () => {
    fc.assert(
      fc.property(fc.object({ maxDepth: 3, values: JSON_SCALARS }), (object) => {
        const text = JSON.stringify(object)
        expect(only(text)).toMatchObject({ error: undefined })
        expect(only(text).value).toEqual(JSON.parse(text))
      }),
      { numRuns: 300 },
    )
  })
})

const JSON_SCALARS = [fc.string(), fc.integer(), fc.boolean(), fc.constant(null)]

const FRAGMENTS =
  'a|: |\n|  |- |[|]|{|}|,|&x |*x|<<|---\n|"|\'|>|!!str |!x |#|%|\t|?|\0|...\n|yes|\uD800|`|@'.split(
    '|',
  )
