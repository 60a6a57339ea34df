import { satisfies, selectorKey } from './label-match.ts'
import type { Labels, Pod, Requirement, Selector } from '../model.ts'
import type { PodTrait, TraitId } from './traits.ts'

/** Finds the terms that a pod meets without trying them all. */
export class TermIndex {
  readonly #named = new Map<string, Scope>()
  readonly #selecting = new Map<string, Scope>()
  /** By namespace: the scopes of `#selecting` whose selector its labels meet. */
  readonly #cache = new Map<string, readonly Scope[]>()

  add(term: PodTrait): void {
    const [scopes, key] = this.#place(term)
    let scope = scopes.get(key)
    if (scope === undefined) {
      scope = { namespaces: term.namespaces, anchored: new Map(), others: new Set(), size: 0 }
      scopes.set(key, scope)
      this.#cache.clear()
    }
    scope.size++
    file(scope, term)
  }

  remove(term: PodTrait): void {
    const [scopes, key] = this.#place(term)
    const scope = scopes.get(key)
    if (scope === undefined) return
    scope.size--
    unfile(scope, term)
    if (scope.size === 0) {
      scopes.delete(key)
      this.#cache.clear()
    }
  }

  /** To be called when the labels of a namespace have changed. */
  relabelled(namespace: string): void {
    this.#cache.delete(namespace)
  }

  /** Ids of the terms that a pod meets, ascending. `labels` are its namespace's, undefined while unknown. */
  matching(pod: Pod, labels: Labels | undefined): TraitId[] {
    const found: TraitId[] = []
    const named = this.#named.get(pod.namespace)
    if (named !== undefined) collect(named, pod.labels, found)
    for (const scope of this.#scopesOf(pod.namespace, labels)) collect(scope, pod.labels, found)
    return found.sort((a, b) => a - b)
  }

  #place({ namespaces }: PodTrait): [Map<string, Scope>, string] {
    if (typeof namespaces === 'string') return [this.#named, namespaces]
    return [this.#selecting, selectorKey(namespaces)]
  }

  #scopesOf(namespace: string, labels: Labels | undefined): readonly Scope[] {
    let scopes = this.#cache.get(namespace)
    if (scopes === undefined) {
      scopes = [...this.#selecting.values()].filter((scope) =>
        covers(scope.namespaces, namespace, labels),
      )
      this.#cache.set(namespace, scopes)
    }
    return scopes
  }
}

/** Whether `namespaces` means this namespace. One that is not known yet meets only the empty selector. */
export function covers(
  namespaces: Selector | string,
  namespace: string,
  labels: Labels | undefined,
): boolean {
  if (typeof namespaces === 'string') return namespaces === namespace
  return labels === undefined ? namespaces.requirements.length === 0 : satisfies(labels, namespaces)
}

/** The terms of one namespace selector, by the label that a pod needs to meet them. */
interface Scope {
  readonly namespaces: Selector | string
  /** By label key, then value. */
  readonly anchored: Map<string, Map<string, Set<PodTrait>>>
  /** Terms that need no label of certain value. */
  readonly others: Set<PodTrait>
  size: number
}

function collect(scope: Scope, labels: Labels, found: TraitId[]): void {
  for (const term of scope.others) if (satisfies(labels, term.pods)) found.push(term.id)
  for (const [key, byValue] of scope.anchored) {
    const value = labels.get(key)
    if (value === undefined) continue
    for (const term of byValue.get(value) ?? []) {
      if (satisfies(labels, term.pods)) found.push(term.id)
    }
  }
}

/** Under each value of its first `In`; a pod has at most one of them. */
function file(scope: Scope, term: PodTrait): void {
  const anchor = anchorOf(term)
  if (anchor === undefined) {
    scope.others.add(term)
    return
  }
  const byValue = scope.anchored.get(anchor.key) ?? new Map<string, Set<PodTrait>>()
  scope.anchored.set(anchor.key, byValue)
  for (const value of anchor.values) {
    const terms = byValue.get(value)
    if (terms === undefined) byValue.set(value, new Set([term]))
    else terms.add(term)
  }
}

function unfile(scope: Scope, term: PodTrait): void {
  scope.others.delete(term)
  const anchor = anchorOf(term)
  if (anchor === undefined) return
  const byValue = scope.anchored.get(anchor.key)
  for (const value of anchor.values) {
    const terms = byValue?.get(value)
    if (terms?.delete(term) && terms.size === 0) byValue?.delete(value)
  }
  if (byValue?.size === 0) scope.anchored.delete(anchor.key)
}

type Anchor = Extract<Requirement, { readonly operator: 'In' | 'NotIn' }>

function anchorOf({ pods }: PodTrait): Anchor | undefined {
  return pods.requirements.find((one): one is Anchor => one.operator === 'In')
}
