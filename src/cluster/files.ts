import { readDirectory } from './directory.ts'
import type { Directory, DirectoryFile, FileSystem } from './directory.ts'
import { isObject, type Json, type JsonObject, memberAt, textAt } from './json.ts'
import { objectName } from './object-name.ts'
import type { ManifestProblem } from './problem.ts'
import { readYamlText } from './yaml-text.ts'
import type { YamlDocument } from './yaml-text.ts'

/** One Kubernetes object as it stands in a file; the items of a `List` are one each. */
export interface ManifestDocument {
  readonly value: JsonObject
  readonly file: string
  /** Place of the document in the file, from 1. */
  readonly index: number
  /** Where the object begins, from 1. */
  readonly line: number
  /** Line of a path such as `spec.ingress[0].from[1]`, or of its nearest ancestor that is there. */
  readonly locate: (path: string) => number
  /** Why the object cannot be used; `value` is then what could be read of it. */
  readonly refused: string | undefined
}

export interface ManifestFiles {
  readonly documents: readonly ManifestDocument[]
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
  const yaml = await import('yaml')
  const documents: ManifestDocument[] = []
  const problems: ManifestProblem[] = []
  for (const file of files) {
    const text = textOf(file)
    if (text.kind === 'unreadable') {
      problems.push({ ...NOWHERE, file: file.path, message: text.reason })
      continue
    }
    const found = readYamlText(text.text, yaml).flatMap((one) => objectsOf(one, file.path))
    documents.push(...found.flatMap(({ document }) => document ?? []))
    problems.push(...found.flatMap(({ problem }) => problem ?? []))
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

interface Found {
  readonly document?: ManifestDocument
  readonly problem?: ManifestProblem
}

/** The objects of one document, each with what is wrong with it. */
function objectsOf(document: YamlDocument, file: string): Found[] {
  const { index, error, value } = document
  const items = itemsOf({ value, path: '', bytes: document.sizeOf(value) }, document)
  const found = items.map((item): Found => {
    const line = item.path === '' ? document.line : document.locate(item.path)
    const place = { ...NOWHERE, file, document: index, line }
    if (!isObject(item.value)) return error ? {} : { problem: { ...place, message: NOT_AN_OBJECT } }
    const refused = error?.message ?? (item.bytes > MAX_OBJECT_BYTES ? TOO_LARGE : undefined)
    const locate = (path: string) => document.locate(`${item.path}.${path}`)
    const object = { value: item.value, file, index, line, locate, refused }
    if (error !== undefined || refused === undefined) return { document: object }
    const problem = { ...place, object: objectName(item.value), message: refused }
    return { document: object, problem }
  })
  if (error === undefined) return found
  const object = isObject(value) ? objectName(value) : ''
  return [{ problem: { ...NOWHERE, file, document: index, object, ...error } }, ...found]
}

const NOT_AN_OBJECT = 'is no Kubernetes object: it must have apiVersion, kind and metadata'

/** What the API server takes in one request (apiserver `MaxRequestBodyBytes`). */
const MAX_OBJECT_BYTES = 3 * 1024 * 1024

const TOO_LARGE = 'is larger than 3 MiB, which the API server does not take; split it'

interface Item {
  readonly value: Json
  readonly path: string
  readonly bytes: number
}

/** The objects of a list, of lists in it too; what is no list is its own only item. */
function itemsOf(whole: Item, document: YamlDocument): Item[] {
  const items = memberAt(whole.value, 'items')
  const kind = textAt(whole.value, 'kind')
  if (!kind.endsWith('List') || !Array.isArray(items)) return [whole]
  return items.flatMap((item: Json, at) => {
    const value = asItemOf(item, kind, whole.value)
    const path = `${whole.path}.items[${at}]`
    return itemsOf({ value, path, bytes: document.sizeOf(item) }, document)
  })
}

/** Items of a typed list such as `NetworkPolicyList` may leave out what the list says already. */
function asItemOf(item: Json, listKind: string, list: Json): Json {
  const kind = listKind.slice(0, -'List'.length)
  if (kind === '' || !isObject(item) || memberAt(item, 'kind') !== undefined) return item
  return { ...item, kind, apiVersion: textAt(list, 'apiVersion') }
}
