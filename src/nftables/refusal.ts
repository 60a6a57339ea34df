import type { NetlinkError } from '../netlink/errors.ts'
import { NftablesError } from './errors.ts'
import { describeSet } from './set.ts'
import type { Operation, TableReference } from './transaction.ts'

/** The error for a transaction of which the kernel refused this operation, and so all of it. */
export function refusal(
  table: TableReference,
  operation: Operation,
  answer: NetlinkError,
): NftablesError {
  const { code, text, attribute, missing } = answer
  const object = describeOperation(table, operation)
  const details = [code, text, attribute && `at ${attribute}`, missing && `for want of ${missing}`]
  const said = details.filter((part) => part !== undefined).join(', ')
  const sentence = `The kernel refused to ${verb(operation)} ${object}: ${said}.`
  const remedy = remedyFor(operation, code)
  return new NftablesError(
    'NFT_REFUSED',
    remedy === undefined ? sentence : `${sentence} ${remedy}`,
    {
      errno: code,
      object,
      cause: answer,
    },
  )
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
