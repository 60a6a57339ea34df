import { type Json, isObject } from '../../cluster/json.ts'
import { readYamlText, type YamlDocument, type YamlLibrary } from '../../cluster/yaml-text.ts'
import type { Flow } from '../../policy/flow.ts'
import { nearest } from '../../policy/parse/nearest.ts'
import { parseEndpoint, parsePortAndProtocol } from '../flow-arguments.ts'

/** What a person says that policy does with one connection. */
export interface Assertion {
  readonly file: string
  /** Where it begins, from 1. */
  readonly line: number
  /** In its writer's words; '' where it has none. */
  readonly name: string
  /** The connection as it is written, for reports. */
  readonly subject: string
  readonly flow: Flow
  readonly expect: 'allow' | 'deny'
  /** `namespace/name` of the policy that decides. */
  readonly because: string | undefined
}

/** An item that cannot be read, or a whole document. */
export interface AssertionProblem {
  readonly file: string
  readonly line: number
  readonly message: string
}

export interface AssertionFile {
  readonly assertions: readonly Assertion[]
  readonly problems: readonly AssertionProblem[]
}

/**
 * Reads a YAML or JSON text: lists of `from`, `to`, `port`, `protocol`, `expect` and optionally `because` and
 * `name`. What is wrong with one item leaves the others as they are.
 */
export function readAssertions(text: string, file: string, yaml: YamlLibrary): AssertionFile {
  const assertions: Assertion[] = []
  const problems: AssertionProblem[] = []
  for (const document of readYamlText(text, yaml)) {
    const items = itemsOf(document)
    if (typeof items === 'string') {
      problems.push({ file, line: document.error?.line ?? document.line, message: items })
      continue
    }
    for (const [index, item] of items.entries()) {
      const line = document.locate(`[${index}]`)
      try {
        assertions.push({ file, line, ...readAssertion(item) })
      } catch (error) {
        problems.push({
          file,
          line,
          message: error instanceof Error ? error.message : String(error),
        })
      }
    }
  }
  return { assertions, problems }
}

function itemsOf({ value, error }: YamlDocument): readonly Json[] | string {
  if (error !== undefined) return error.message
  if (Array.isArray(value)) return value
  return 'a document of a test file must be a list of assertions, each beginning with "- from:"'
}

const FIELDS = ['from', 'to', 'port', 'protocol', 'expect', 'because', 'name'] as const

/** @throws Error with a phrase that names the field. */
function readAssertion(item: Json): Omit<Assertion, 'file' | 'line'> {
  if (!isObject(item)) throw new Error('an assertion must be an object with from, to, expect')
  for (const key of Object.keys(item)) {
    if (FIELDS.some((field) => field === key)) continue
    const meant = nearest(key, FIELDS)
    throw new Error(
      `${key} is not known here; ${meant === undefined ? `known are ${FIELDS.join(', ')}` : `did you mean ${meant}?`}`,
    )
  }
  const from = required(item['from'], 'from')
  const to = required(item['to'], 'to')
  const port = portText(item['port'], item['protocol'])
  const expect = required(item['expect'], 'expect')
  if (expect !== 'allow' && expect !== 'deny') {
    throw new Error(`expect must be allow or deny, not ${shown(expect)}`)
  }
  return {
    name: optional(item['name'], 'name') ?? '',
    subject: `${from} → ${to} ${port}`,
    flow: {
      from: named('from', () => parseEndpoint(from)),
      to: named('to', () => parseEndpoint(to)),
      ...named('port', () => parsePortAndProtocol(port)),
    },
    expect,
    because: optional(item['because'], 'because'),
  }
}

/** `5432/TCP` or `ICMP`: the words of the command line. */
function portText(port: Json | undefined, protocol: Json | undefined): string {
  const word = (optional(protocol, 'protocol') ?? 'TCP').toUpperCase()
  if (word !== 'ICMP') {
    if (typeof port !== 'number') {
      throw new Error(`port must be a number, not ${shown(port)}; only protocol: ICMP has none`)
    }
    return `${port}/${word}`
  }
  if (port !== undefined) throw new Error('port must be absent: ICMP has none')
  return word
}

function required(value: Json | undefined, field: string): string {
  const text = optional(value, field)
  if (text === undefined) throw new Error(`${field} is missing`)
  return text
}

function optional(value: Json | undefined, field: string): string | undefined {
  if (value === undefined || typeof value === 'string') return value
  throw new Error(`${field} must be text, not ${shown(value)}`)
}

function named<T>(field: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new Error(`${field} cannot be read: ${reason}`, { cause: error })
  }
}

function shown(value: Json | undefined): string {
  return value === undefined ? 'nothing' : JSON.stringify(value).slice(0, 60)
}
