import type { Cluster } from '../policy/cluster.ts'
import type { Pod } from '../policy/model.ts'
import { namespaceOf } from '../policy/parse/namespace.ts'
import type { ManifestDocument, ManifestFiles } from './files.ts'
import { interpret } from './interpret.ts'
import type { ManifestPod } from './interpret.ts'
import { objectIdentity, objectName } from './object-name.ts'
import type { ManifestProblem } from './problem.ts'
import { idOf, subjectOf } from './source-change.ts'
import type { ObjectKind, SourceChange } from './source-change.ts'
import { ClusterState } from './state.ts'

/** What a directory of manifests says, in terms of policy. */
export interface Manifests {
  readonly revision: string
  /** All there is, for `ClusterState.replace(MANIFEST_KINDS, changes)`. */
  readonly changes: readonly SourceChange[]
  readonly pods: readonly ManifestPod[]
  readonly problems: readonly ManifestProblem[]
  /** One line for each object that is none of ours. */
  readonly skipped: readonly string[]
  /** Where each object of `changes` stands, by `idOf` its subject. */
  readonly documents: ReadonlyMap<string, ManifestDocument>
}

/** The kinds of objects that manifests are the whole truth about. */
export const MANIFEST_KINDS: readonly ObjectKind[] = ['namespace', 'pod', 'policy']

export interface ManifestOptions {
  /** Names of the nodes, for DaemonSets. */
  readonly nodes: readonly string[]
  /**
   * What was read of the directory last. Objects from a file of which a part cannot be read now are kept
   * from there, because that part may be theirs.
   */
  readonly previous?: Manifests | undefined
}

/** Puts the objects of the manifests together. Of two objects with one name, the first stays. */
export function readManifests(files: ManifestFiles, options: ManifestOptions): Manifests {
  const gathered = new Gathered(files.problems)
  for (const document of files.documents) gathered.add(document, options.nodes)
  if (options.previous !== undefined) gathered.keep(options.previous, brokenFiles(files))
  const { changes, documents, pods, problems, skipped } = gathered
  const all = [...impliedNamespaces([...changes.values()]), ...changes.values()]
  return { revision: files.revision, changes: all, documents, pods, problems, skipped }
}

/** The cluster that the manifests describe. */
export function clusterOfManifests(manifests: Manifests): Cluster {
  const state = new ClusterState()
  state.replace(MANIFEST_KINDS, manifests.changes)
  return state.cluster
}

class Gathered {
  readonly changes = new Map<string, SourceChange>()
  readonly documents = new Map<string, ManifestDocument>()
  readonly pods: ManifestPod[] = []
  readonly problems: ManifestProblem[]
  readonly skipped: string[] = []
  readonly #names = new Map<string, ManifestDocument>()

  constructor(problems: readonly ManifestProblem[]) {
    this.problems = [...problems]
  }

  add(document: ManifestDocument, nodes: readonly string[]): void {
    const name = objectIdentity(document.value)
    const namesake = name === undefined ? undefined : this.#names.get(name)
    if (namesake !== undefined) {
      this.problems.push(duplicate(document, objectName(document.value), namesake))
      return
    }
    if (name !== undefined) this.#names.set(name, document)
    const { changes, pods, problems, skipped } = interpret(document, nodes)
    this.problems.push(...problems)
    if (skipped !== undefined) this.skipped.push(skippedText(document, skipped))
    const taken = changes.filter((change) => !this.#put(change, document))
    const lost = new Set(taken.flatMap((change) => (change.kind === 'pod' ? [change.pod] : [])))
    this.pods.push(...pods.filter(({ pod }) => !lost.has(pod)))
  }

  /** Takes over what came from these files and is not there any more. */
  keep(previous: Manifests, files: ReadonlySet<string>): void {
    const kept = new Set<Pod>()
    for (const change of previous.changes) {
      const id = idOf(subjectOf(change))
      const document = previous.documents.get(id)
      if (document === undefined || !files.has(document.file) || this.changes.has(id)) continue
      this.changes.set(id, change)
      this.documents.set(id, document)
      if (change.kind === 'pod') kept.add(change.pod)
    }
    this.pods.push(...previous.pods.filter(({ pod }) => kept.has(pod)))
  }

  /** Only pods of workloads can still meet a namesake here. */
  #put(change: SourceChange, document: ManifestDocument): boolean {
    const subject = subjectOf(change)
    const id = idOf(subject)
    const namesake = this.documents.get(id)
    if (namesake !== undefined) {
      if (change.kind !== 'refused') {
        this.problems.push(duplicate(document, `Pod ${subject.key}`, namesake))
      }
      return false
    }
    this.changes.set(id, change)
    this.documents.set(id, document)
    return true
  }
}

function duplicate(
  { file, index, line }: ManifestDocument,
  object: string,
  first: ManifestDocument,
): ManifestProblem {
  const message = `is declared already at ${first.file}:${first.line}, which stays; remove one of the two`
  return { severity: 'error', file, document: index, line, object, path: '', message }
}

function skippedText(document: ManifestDocument, reason: string): string {
  return `${document.file}:${document.line}: ${objectName(document.value)} is skipped: ${reason}`
}

/** Files of which some part could not be read: nobody can tell which objects were meant. */
function brokenFiles({ problems }: ManifestFiles): ReadonlySet<string> {
  return new Set(problems.map(({ file }) => file))
}

/** Namespaces that are used and nowhere declared: they exist with their name as the only label. */
function impliedNamespaces(changes: readonly SourceChange[]): SourceChange[] {
  const declared = new Set<string>()
  const used = new Set<string>()
  for (const change of changes) {
    const { object, key } = subjectOf(change)
    if (object === 'namespace') declared.add(key)
    else if (object !== 'node') used.add(key.slice(0, key.indexOf('/')))
  }
  return [...used.difference(declared)].map((name) => ({
    kind: 'namespace',
    namespace: namespaceOf(name),
  }))
}
