import type { Logger } from 'pino'
import { Guard, type Repair } from '../dataplane/guard.ts'
import type { FoundTables } from '../dataplane/inspect.ts'
import type { ProgramChain } from '../dataplane/program.ts'
import type { Enforcer } from './enforcer.ts'
import type { Kernel } from './kernel.ts'

/** How often something was put right that others had changed. */
export interface Repairs {
  /** The whole table was made anew. */
  readonly tables: number
  /** All rules were written anew. */
  readonly rules: number
  /** Single elements were put back or taken away. */
  readonly elements: number
}

export const NO_REPAIRS: Repairs = { tables: 0, rules: 0, elements: 0 }

export interface TableGuard {
  readonly repairs: Repairs
  /** Once the table is in force. */
  begin(enforcer: Pick<Enforcer, 'repair'>, found: FoundTables): Promise<void>
}

/** Gathers from now on what others change in the table, and puts it right once that is in force. */
export function openGuard({
  kernel,
  chains,
  log,
}: {
  readonly kernel: Pick<Kernel, 'nftables' | 'dataplane' | 'openListing' | 'watchTables'>
  readonly chains: readonly ProgramChain[]
  readonly log: Logger
}): TableGuard {
  let repairs = NO_REPAIRS
  let enforcing: Pick<Enforcer, 'repair'> | undefined
  const guard = new Guard({
    socket: kernel.nftables,
    openListing: kernel.openListing,
    dataplane: kernel.dataplane,
    chains,
    inTurn: async (mend) => enforcing?.repair(mend),
    uptime: () => performance.now(),
    setTimer: (callback, delayMs) => setTimeout(callback, delayMs).unref(),
    onRepair: (repair) => {
      repairs = withRepair(repairs, repair)
      log.warn({ event: 'table.repaired', ...repair }, sentenceOf(repair))
    },
    onError: (error) =>
      log.error({ event: 'table.unrepaired', err: error }, 'a repair failed; it is tried again'),
  })
  kernel.watchTables(guard.subscriber)
  return {
    get repairs() {
      return repairs
    },
    begin: async (enforcer, { state }) => {
      enforcing = enforcer
      await guard.begin(state === undefined)
    },
  }
}

function withRepair({ tables, rules, elements }: Repairs, repair: Repair): Repairs {
  return {
    tables: tables + Number(repair.table),
    rules: rules + Number(repair.rules),
    elements: elements + repair.elements,
  }
}

function sentenceOf({ table, rules, elements, sets, by }: Repair): string {
  const who = by.length === 0 ? 'Somebody' : by.join(' and ')
  const what = table
    ? 'took table inet sluice away or made another of it. It was made anew'
    : [
        ...(rules ? ['rules of table inet sluice, which were written anew'] : []),
        ...(elements > 0
          ? [`${elements} elements of table inet sluice (${sets.join(', ')}), which were put right`]
          : []),
      ].join(', and ')
  return table ? `${who} ${what}` : `${who} changed ${what}`
}
