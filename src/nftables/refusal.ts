import { NftablesError } from './errors.ts'
import { describeSet } from './set.ts'
import type { Operation, TableReference } from './transaction.ts'

/** What the kernel says of the operation that it refused. */
export interface KernelAnswer {
  /** `EEXIST` */
  readonly code: string
  /** Its own words, where it has some, and the attribute that it means. */
  readonly text?: string | undefined
  readonly attribute?: string | undefined
}

/** The error for a transaction of which the kernel refused this operation, and so all of it. */
export function refusal(
  table: TableReference,
  operation: Operation,
  { code, text, attribute }: KernelAnswer,
  cause: unknown,
): NftablesError {
  const object = describeOperation(table, operation)
  const details = [text, attribute && `in ${attribute}`].filter(Boolean).join(' ')
  const sentence = `The kernel refused to ${verb(operation)} ${object} (${code}${details && `: ${details}`}).`
  const remedy = remedyFor(operation, code)
  return new NftablesError('NFT_REFUSED', remedy ? `${sentence} ${remedy}` : sentence, {
    errno: code,
    object,
    cause,
  })
}

/** `element in map pod_class4 of table inet sluice` */
export function describeOperation({ family, table }: TableReference, operation: Operation): string {
  const whole = `table ${family} ${table}`
  const part = describePart(operation)
  return part === undefined ? whole : `${part} of ${whole}`
}

function describePart(operation: Operation): string | undefined {
  switch (operation.kind) {
    case 'addTable':
    case 'deleteTable':
      return undefined
    case 'addChain':
    case 'deleteChain':
    case 'flushChain':
      return `chain ${operation.chain}`
    case 'addRule':
      return `rule${operation.comment === undefined ? '' : ` "${operation.comment}"`} in chain ${operation.chain}`
    case 'deleteRule':
      return `rule ${operation.handle} in chain ${operation.chain}`
    case 'addSet':
    case 'flushSet':
      return describeSet(operation.set)
    case 'deleteSet':
      return `set ${operation.set}`
    case 'addCounter':
    case 'deleteCounter':
      return `counter ${operation.counter}`
    case 'addElements':
    case 'deleteElements':
      return `element in ${describeSet(operation.set)}`
  }
}

function verb({ kind }: Operation): 'add' | 'delete' | 'flush' {
  if (kind.startsWith('add')) return 'add'
  return kind.startsWith('flush') ? 'flush' : 'delete'
}

/** What to do about it, where the error says enough. */
function remedyFor({ kind }: Operation, code: string): string | undefined {
  if (code === 'EPERM') {
    return 'Run as root, and as the one owner of the table: another socket may have claimed it.'
  }
  if (code === 'EEXIST') {
    return kind === 'addElements'
      ? 'The key, or an interval that overlaps, is there already: delete it first, in the same transaction.'
      : 'It is there already, or is there with another content: delete it first.'
  }
  if (code === 'ENOENT') return 'It, or what it refers to, does not exist: add that first.'
  if (code === 'EBUSY') return 'Something still refers to it: delete that first.'
  if (code === 'EOPNOTSUPP')
    return 'This kernel cannot do it, or not to a table that was made without it.'
  return undefined
}
