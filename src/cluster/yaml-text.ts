import type { YAMLParseError } from 'yaml'
import type { Json } from './json.ts'
import { convertYaml } from './yaml-values.ts'
import type { YamlEntry, YamlValue } from './yaml-values.ts'

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
  /** The text of a line of it. */
  readonly textOf: (line: number) => string
  /** Bytes of what is at a path ('' for all) as JSON, aliases written out. */
  readonly sizeAt: (path: string) => number
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
    locate: (path) => lineAt(nearest(root, path)?.offset ?? start),
    sizeAt: (path) => root.sizeOf(nearest(root, path)?.value ?? root.value),
    textOf: (at) => chunk.split('\n')[at - place.linesBefore - 1] ?? '',
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

/** The last entry on a path that is there. */
function nearest(root: YamlValue, path: string): YamlEntry | undefined {
  let found: YamlEntry | undefined
  for (const key of keysOf(path)) {
    const entry = root.entryOf(found?.value ?? root.value, key)
    if (entry === undefined) break
    found = entry
  }
  return found
}

/** `spec.ingress[0].from` and `metadata.labels["app.kubernetes.io/name"]`, key by key. */
function keysOf(path: string): string[] {
  const parts = path.matchAll(/([^.[\]]+)|\[(?:(\d+)|"((?:[^"\\]|\\.)*)")\]/g)
  return [...parts].map(([, name, index, quoted]) => name ?? index ?? unquoted(quoted ?? ''))
}

function unquoted(text: string): string {
  return String(JSON.parse(`"${text}"`))
}
