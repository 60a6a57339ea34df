import type { NearestMiss, RuleRef } from '../policy/verdict.ts'
import type { Manifests } from './manifests.ts'
import { idOf } from './source-change.ts'

/** Where in the manifests a rule stands. */
export interface RulePlace {
  readonly file: string
  /** From 1. */
  readonly line: number
}

/** A rule with the place that it comes from; without one if the policy is not of these manifests. */
export function withPlace<Rule extends RuleRef | NearestMiss>(
  rule: Rule,
  manifests: Manifests,
): Rule & Partial<RulePlace> {
  const document = manifests.documents.get(idOf({ object: 'policy', key: rule.policy }))
  if (document === undefined) return rule
  return { ...rule, file: document.file, line: document.locate(rule.path) }
}

/** The line of YAML that a rule begins with; '' if the policy is not of these manifests. */
export function quoteRule(rule: RuleRef, manifests: Manifests): string {
  const document = manifests.documents.get(idOf({ object: 'policy', key: rule.policy }))
  return document?.textOf(document.locate(rule.path)).trim() ?? ''
}
