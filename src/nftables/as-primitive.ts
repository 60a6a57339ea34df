import type { Value } from './datatypes.ts'
import type { AnyValue } from './set.ts'

/**
 * A value as one that `===` and maps compare: the same for equal values of one set. A single field is one already, and
 * stays what it is: V8 keeps the texts of numbers that it has written of late, and so moves them to its old generation.
 */
export function asPrimitive(value: AnyValue): Value {
  return typeof value === 'object' ? value.join(' . ') : value
}
