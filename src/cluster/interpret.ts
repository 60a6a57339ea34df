import type { NetworkPolicy, Pod } from '../policy/model.ts'
import { parseObject } from '../policy/parse.ts'
import type { Invalid, Parsed, Problem } from '../policy/parse.ts'
import { EVERYTHING } from '../policy/selector.ts'
import type { ManifestDocument, Refusal } from './files.ts'
import { type JsonObject, objectAt, textAt } from './json.ts'
import { objectName } from './object-name.ts'
import { versionInFile } from './object-version.ts'
import type { ManifestProblem } from './problem.ts'
import { refusalOf } from './refusal.ts'
import type { SourceChange } from './source-change.ts'
import { expandWorkload } from './workloads.ts'

/** A pod of the manifests: one of its own, or one that a workload stands for. */
export interface ManifestPod {
  readonly pod: Pod
  /** The Pod object, made from the template if it is a workload's. */
  readonly value: JsonObject
}

/** What one object of a manifest says. */
export interface Interpretation {
  readonly changes: readonly SourceChange[]
  readonly pods: readonly ManifestPod[]
  readonly problems: readonly ManifestProblem[]
  /** Why the object is none of ours. */
  readonly skipped?: string
}

/** Reads one object of a manifest; of a workload, the pods that it stands for on these nodes. */
export function interpret(document: ManifestDocument, nodes: readonly string[]): Interpretation {
  const { parsed, refused, value } = document
  if (refused !== undefined) return interpretRefused(document, refused)
  switch (parsed.kind) {
    case 'policy':
      return {
        ...NOTHING,
        changes: [{ ...parsed, version: versionInFile(value) }],
        problems: problemsOf(document, parsed.warnings, 'warning'),
      }
    case 'namespace':
    case 'pod':
      return {
        changes: [parsed],
        pods: parsed.kind === 'pod' ? [{ pod: parsed.pod, value }] : [],
        problems: problemsOf(document, parsed.warnings, 'warning'),
      }
    case 'invalid':
      return {
        ...NOTHING,
        changes: refusalsOf(parsed, value),
        problems: problemsOf(document, parsed.problems, 'error'),
      }
    case 'skipped':
      return { ...NOTHING, skipped: `it is ${parsed.reason}` }
    case 'other':
      return interpretWorkload(document, nodes)
  }
}

const NOTHING: Interpretation = { changes: [], pods: [], problems: [] }

function problemsOf(
  document: ManifestDocument,
  problems: readonly Problem[],
  severity: ManifestProblem['severity'],
): ManifestProblem[] {
  const { file, index, locate, value } = document
  const place = { severity, file, document: index, object: objectName(value) }
  return problems.map(({ path, message }) => ({ ...place, line: locate(path), path, message }))
}

function refusalsOf(invalid: Invalid, value: JsonObject): SourceChange[] {
  const refusal = refusalOf(invalid, value, versionInFile(value))
  return refusal === undefined ? [] : [refusal]
}

/**
 * An object that is refused as a whole: malformed, then what was read of it is trusted with its name only,
 * or too large.
 */
function interpretRefused(document: ManifestDocument, refused: Refusal): Interpretation {
  const { parsed, value } = document
  const malformed = refused.kind === 'malformed'
  const problem = { path: '', message: refused.message }
  const policy = policyOf(parsed)
  const named = textAt(objectAt(value, 'metadata'), 'name') !== ''
  const salvage = policy && {
    ...policy,
    ...(malformed && { podSelector: EVERYTHING }),
    ingress: [],
    egress: [],
    invalid: refused.message,
  }
  const invalid: Invalid = {
    kind: 'invalid',
    object: objectName(value),
    problems: [problem],
    salvage: named ? salvage : undefined,
  }
  return {
    ...NOTHING,
    changes: refusalsOf(invalid, value),
    // What is malformed was told when the text was read.
    problems: malformed ? [] : problemsOf(document, [problem], 'error'),
  }
}

function policyOf(parsed: Parsed): NetworkPolicy | undefined {
  if (parsed.kind === 'policy') return parsed.policy
  return parsed.kind === 'invalid' ? parsed.salvage : undefined
}

function interpretWorkload(document: ManifestDocument, nodes: readonly string[]): Interpretation {
  const expansion = expandWorkload(document.value, nodes)
  if (expansion === undefined) return { ...NOTHING, skipped: 'Sluice has no use for this kind' }
  if (expansion.kind === 'invalid') {
    return { ...NOTHING, problems: problemsOf(document, [expansion], 'error') }
  }
  const read = expansion.pods.map(({ value, template }) => ({
    value,
    template,
    parsed: parseObject(value, { unknownFields: 'reject' }),
  }))
  const [first] = read
  return {
    changes: read.flatMap(({ value, parsed }) => {
      if (parsed.kind === 'invalid') return refusalsOf(parsed, value)
      return parsed.kind === 'pod' ? [parsed] : []
    }),
    pods: read.flatMap(({ value, parsed }) =>
      parsed.kind === 'pod' ? [{ pod: parsed.pod, value }] : [],
    ),
    // All are made from one template, so one tells the problems of all.
    problems: first === undefined ? [] : templateProblems(document, first.parsed, first.template),
  }
}

/** Problems of a pod, with paths as in the workload that it was made from. */
function templateProblems(
  document: ManifestDocument,
  parsed: Parsed,
  template: string,
): ManifestProblem[] {
  if (parsed.kind !== 'invalid') return []
  const problems = parsed.problems.map(({ path, message }) => ({
    path: path.startsWith('metadata.name') ? path : `${template}.${path}`,
    message,
  }))
  return problemsOf(document, problems, 'error')
}
