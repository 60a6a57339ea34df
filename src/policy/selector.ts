import type { Labels, Requirement, Selector } from './model.ts'

/** Selects every object. */
export const EVERYTHING: Selector = { requirements: [] }

/** Whether an object with these labels is selected (API: `LabelSelector`, `LabelSelectorRequirement`). */
export function matches(selector: Selector, labels: Labels): boolean {
  return selector.requirements.every((requirement) => holds(requirement, labels))
}

/** A selector of these requirements in the order that `Selector` promises, each once. */
export function makeSelector(requirements: readonly Requirement[]): Selector {
  const byText = new Map(requirements.map(normalise).map((one) => [textOf(one), one] as const))
  const sorted = [...byText].sort(([a], [b]) => (a < b ? -1 : 1))
  return { requirements: sorted.map(([, requirement]) => requirement) }
}

function holds(requirement: Requirement, labels: Labels): boolean {
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

function normalise(requirement: Requirement): Requirement {
  if (!('values' in requirement)) return requirement
  return { ...requirement, values: [...new Set(requirement.values)].sort() }
}

/** Sorts as key, operator, values do: no label key or value has a character below the space. */
function textOf(requirement: Requirement): string {
  const values = 'values' in requirement ? requirement.values : []
  return [requirement.key, requirement.operator, ...values].join('\u0000')
}
