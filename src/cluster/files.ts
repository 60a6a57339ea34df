import { readDirectory } from './directory.ts'
import type { Directory, DirectoryFile, FileSystem } from './directory.ts'
import { parseDocument } from '../policy/parse.ts'
import type { Parsed } from '../policy/parse.ts'
import { isObject, type JsonObject } from './json.ts'
import { objectName } from './object-name.ts'
import type { ManifestProblem } from './problem.ts'
import { readYamlText } from './yaml-text.ts'
import type { YamlDocument } from './yaml-text.ts'

/** One Kubernetes object as it stands in a file; the items of a `List` are one each. */
export interface ManifestDocument {
  readonly value: JsonObject
  readonly parsed: Parsed
  readonly file: string
  /** Place of the document in the file, from 1. */
  readonly index: number
  /** Where the object begins, from 1. */
  readonly line: number
  /** Line of a path such as `spec.ingress[0].from[1]`, or of its nearest ancestor that is there. */
  readonly locate: (path: string) => number
  /** The text of a line of its document. */
  readonly textOf: (line: number) => string
  /** Why the object cannot be used; `value` is then what could be read of it. */
  readonly refused: Refusal | undefined
}

/** 'malformed': what was read may be anything; 'too large': it is what was meant. */
export interface Refusal {
  readonly kind: 'malformed' | 'too large'
  readonly message: string
}

export interface ManifestFiles {
  readonly documents: readonly ManifestDocument[]
  /** Of files that cannot be read and documents that are malformed. */
  readonly problems: readonly ManifestProblem[]
  /** A digest of what was read. */
  readonly revision: string
}

/**
 * Reads a directory of Kubernetes manifests. Throws when the directory itself cannot be read; anything
 * else that is wrong is a problem of the result.
 */
export async function readManifestFiles(directory: string, fs: FileSystem): Promise<ManifestFiles> {
  return parseManifestFiles(await readDirectory(directory, fs))
}

/**
 * The objects in the files of a directory. What is wrong with a document or a file becomes a problem that
 * names it, and leaves the others unaffected.
 */
export async function parseManifestFiles({ files, revision }: Directory): Promise<ManifestFiles> {
  // The default export is all that is left of a CommonJS module in a bundle.
  const { default: yaml } = await import('yaml')
  const documents: ManifestDocument[] = []
  const problems: ManifestProblem[] = []
  for (const file of files) {
    const text = textOf(file)
    if (text.kind === 'unreadable') {
      problems.push({ ...NOWHERE, file: file.path, message: text.reason })
      continue
    }
    for (const document of readYamlText(text.text, yaml)) {
      for (const object of objectsOf(document, file.path)) documents.push(object)
      problems.push(...problemsOf(document, file.path))
    }
  }
  return { documents, problems, revision }
}

const NOWHERE = {
  severity: 'error',
  document: undefined,
  line: undefined,
  object: '',
  path: '',
} as const

type Text =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'unreadable'; readonly reason: string }

function textOf({ content }: DirectoryFile): Text {
  if (content.kind === 'unreadable') return content
  try {
    return { kind: 'text', text: new TextDecoder('utf-8', { fatal: true }).decode(content.bytes) }
  } catch {
    return { kind: 'unreadable', reason: 'the file is not UTF-8 text' }
  }
}

/** The objects of one document, all that a `List` holds. */
function objectsOf(document: YamlDocument, file: string): ManifestDocument[] {
  return parseDocument(document.value, { unknownFields: 'reject' }).map(
    ({ at, object, parsed }) => ({
      value: isObject(object) ? object : {},
      parsed,
      file,
      index: document.index,
      line: document.locate(at),
      locate: (path) => document.locate(`${at}.${path}`),
      textOf: document.textOf,
      refused: document.error
        ? { kind: 'malformed', message: document.error.message }
        : refusalBySize(document.sizeAt(at)),
    }),
  )
}

/** What the API server takes in one request (apiserver `MaxRequestBodyBytes`). */
const MAX_OBJECT_BYTES = 3 * 1024 * 1024

function refusalBySize(bytes: number): Refusal | undefined {
  if (bytes <= MAX_OBJECT_BYTES) return undefined
  const message = 'is larger than 3 MiB, which the API server does not take; split it'
  return { kind: 'too large', message }
}

/** Of a document that is malformed, told once however many objects that costs. */
function problemsOf(document: YamlDocument, file: string): ManifestProblem[] {
  const { index, error, value } = document
  if (error === undefined) return []
  const object = isObject(value) ? objectName(value) : ''
  return [{ ...NOWHERE, file, document: index, object, ...error }]
}
