import type { Field } from './field.ts'
import {
  checkObject,
  child,
  describe,
  isAbsent,
  items,
  readText,
  readWord,
  refuse,
} from './field.ts'
import type { Requirement, Selector } from '../model.ts'
import { labelKeyFault, labelValueFault } from './names.ts'
import { readLabels } from './metadata.ts'
import { makeSelector } from '../selector.ts'

/** A label selector (API: `LabelSelector`); absent selects everything. What is wrong is noted and left out. */
export function readSelector(field: Field): Selector {
  checkObject(field, ['matchLabels', 'matchExpressions'])
  const labels = readLabels(child(field, 'matchLabels'))
  const equal = [...labels].map(
    ([key, value]): Requirement => ({ key, operator: 'In', values: [value] }),
  )
  const expressions = items(child(field, 'matchExpressions')).map(readRequirement)
  return makeSelector([...equal, ...expressions.filter((one) => one !== undefined)])
}

const OPERATORS = ['In', 'NotIn', 'Exists', 'DoesNotExist'] as const

function readRequirement(field: Field): Requirement | undefined {
  if (!checkObject(field, ['key', 'operator', 'values'])) return undefined
  const key = readKey(child(field, 'key'))
  const operator = readWord(child(field, 'operator'), OPERATORS)
  const values = items(child(field, 'values')).map(readValue)
  if (isAbsent(child(field, 'operator'))) {
    return refuse(child(field, 'operator'), `is missing: use one of ${OPERATORS.join(', ')}`)
  }
  if (key === undefined || operator === undefined) return undefined
  switch (operator) {
    case 'In':
    case 'NotIn':
      if (values.length > 0)
        return { key, operator, values: values.filter((one) => one !== undefined) }
      return refuse(
        child(field, 'values'),
        `must have at least one value with operator ${operator}`,
      )
    case 'Exists':
    case 'DoesNotExist':
      if (values.length === 0) return { key, operator }
      return refuse(child(field, 'values'), `must be absent with operator ${operator}`)
  }
}

function readKey(field: Field): string | undefined {
  const key = readText(field)
  const fault = key === undefined ? undefined : labelKeyFault(key)
  return fault === undefined ? key : refuse(field, `${fault}: ${describe(key)}`)
}

function readValue(field: Field): string | undefined {
  const value = readText(field)
  const fault = value === undefined ? undefined : labelValueFault(value)
  return fault === undefined ? value : refuse(field, `${fault}: ${describe(value)}`)
}
