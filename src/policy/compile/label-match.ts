import type { Labels, Requirement, Selector } from '../model.ts'

/**
 * Whether labels meet every requirement of a selector. The evaluator has its own (`matches`): what is compiled is
 * held against it, and an error that both share would be seen by nobody.
 */
export function satisfies(labels: Labels, selector: Selector): boolean {
  for (const requirement of selector.requirements) {
    if (!meets(labels, requirement)) return false
  }
  return true
}

function meets(labels: Labels, requirement: Requirement): boolean {
  const value = labels.get(requirement.key)
  switch (requirement.operator) {
    case 'In':
      return value !== undefined && requirement.values.includes(value)
    case 'NotIn':
      return value === undefined || !requirement.values.includes(value)
    case 'Exists':
      return value !== undefined
    case 'DoesNotExist':
      return value === undefined
  }
}

/** Equal for selectors of equal content (the requirements come sorted). */
export function selectorKey(selector: Selector): string {
  return JSON.stringify(selector.requirements)
}
