import type { YAMLParseError } from 'yaml'
import type { Json } from './json.ts'
import { convertYaml } from './yaml-values.ts'
import type { YamlValue } from './yaml-values.ts'

/** The `yaml` package: passed in, because only those who read manifests should load it. */
export type YamlLibrary = typeof import('yaml')

export interface YamlDocument {
  /** Place in the file, from 1; empty documents count too. */
  readonly index: number
  /** Where its first value stands, from 1. */
  readonly line: number
  /** What could be read: all of it, or with `error` set what the error left over. */
  readonly value: Json
  /** The first thing wrong in it; what follows is usually a consequence. */
  readonly error: { readonly line: number; readonly message: string } | undefined
  /** Line of a path such as `spec.ingress[0].from[1]`, or of its nearest ancestor that is there. */
  readonly locate: (path: string) => number
  /** Bytes of a part of `value` as JSON, aliases written out. */
  readonly sizeOf: (part: Json) => number
}

/**
 * The documents of a YAML or JSON text, read as kubectl reads them; empty ones are left out. The text is
 * cut at its `---` lines before anything is parsed, so that a malformed document leaves the others whole.
 */
export function readYamlText(text: string, yaml: YamlLibrary): YamlDocument[] {
  const lines = text.replace(/^\uFEFF/, '').split('\n')
  const cuts = lines.flatMap((line, at) => (SEPARATOR.test(line) ? [at] : []))
  return [-1, ...cuts]
    .map((cut, at) => {
      const chunk = lines.slice(cut + 1, cuts[at]).join('\n')
      return readDocument(chunk, { index: at + 1, linesBefore: cut + 1 }, yaml)
    })
    .filter((document) => document.value !== null || document.error !== undefined)
}

const SEPARATOR = /^---\s*(?:#.*)?$/

interface Place {
  readonly index: number
  readonly linesBefore: number
}

function readDocument(chunk: string, place: Place, yaml: YamlLibrary): YamlDocument {
  const counter = new yaml.LineCounter()
  const lineAt = (offset: number) => place.linesBefore + Math.max(counter.linePos(offset).line, 1)
  const { root, start, error } = parse(chunk, counter, yaml)
  return {
    index: place.index,
    line: lineAt(start),
    value: root.value,
    error: error && { line: lineAt(error.offset), message: error.message },
    locate: (path) => lineAt(nearestOffset(root, path) ?? start),
    sizeOf: root.sizeOf,
  }
}

// All scalars come as text, for `plainScalar` to decide. The library's check for duplicate keys is off,
// because it compares each key with every other: minutes for a hostile document.
const OPTIONS = {
  schema: 'failsafe',
  resolveKnownTags: false,
  uniqueKeys: false,
  prettyErrors: false,
  logLevel: 'error',
} as const

interface Parsed {
  readonly root: YamlValue
  /** Offset of the first value. */
  readonly start: number
  readonly error: YamlValue['error']
}

function parse(
  chunk: string,
  lineCounter: InstanceType<YamlLibrary['LineCounter']>,
  yaml: YamlLibrary,
): Parsed {
  try {
    const { contents, errors } = yaml.parseDocument(chunk, { ...OPTIONS, lineCounter })
    const root = convertYaml(contents, yaml)
    const [first] = errors
    const error = first && { offset: first.pos[0], message: reasonOf(first) }
    return { root, start: contents?.range[0] ?? 0, error: error ?? root.error }
  } catch (thrown) {
    if (!(thrown instanceof RangeError)) throw thrown
    return { root: convertYaml(null, yaml), start: 0, error: { offset: 0, message: TOO_DEEP } }
  }
}

const TOO_DEEP = 'it is nested deeper than can be read'

function reasonOf({ code, message }: YAMLParseError): string {
  if (code === 'RESOURCE_EXHAUSTION') return TOO_DEEP
  if (code === 'MULTIPLE_DOCS') return 'text follows the end of the document; put --- between them'
  return `malformed YAML: ${message}`
}

/** Follows a path through the value as far as it goes; the offset of the last entry that was found. */
function nearestOffset(root: YamlValue, path: string): number | undefined {
  let value: Json | undefined = root.value
  let found: number | undefined
  for (const [, name, bracketed] of path.matchAll(/([^.[\]]+)|\[([^\]]*)\]/g)) {
    const entry = root.entryOf(value, name ?? bracketed ?? '')
    if (entry === undefined) break
    found = entry.offset
    value = entry.value
  }
  return found
}
