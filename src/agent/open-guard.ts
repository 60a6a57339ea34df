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
  /** How often the whole table was read back and compared. */
  readonly audits: number
  /** Once the table is in force. */
  begin(enforcer: Pick<Enforcer, 'repair'>, found: FoundTables): Promise<void>
  close(): void
}

export interface TableGuardParts {
  readonly kernel: Pick<Kernel, 'nftables' | 'dataplane' | 'openListing' | 'watchTables'>
  readonly chains: readonly ProgramChain[]
  /** Between two looks at the whole table. */
  readonly auditIntervalMs: number
  readonly log: Logger
}

/** Gathers from now on what others change in the table, and puts it right once that is in force. */
export function openGuard({ kernel, chains, auditIntervalMs, log }: TableGuardParts): TableGuard {
  let repairs = NO_REPAIRS
  let audits = 0
  let timer: NodeJS.Timeout | undefined
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
  const audit = async (): Promise<void> => {
    const startedAt = performance.now()
    try {
      const elements = await guard.audit()
      audits++
      const tookMs = Math.round(performance.now() - startedAt)
      log.info({ event: 'table.audited', elements, tookMs }, 'the table is as it was committed')
    } catch (error) {
      log.error({ event: 'table.unaudited', err: error }, 'the table could not be read back')
    }
  }
  // Of tables that are ours alone there is no news, and the kernel writes a message for each element to whoever listens.
  if (kernel.dataplane.ownsTables !== true) kernel.watchTables(guard.subscriber)
  return {
    get repairs() {
      return repairs
    },
    get audits() {
      return audits
    },
    begin: async (enforcer, { state }) => {
      enforcing = enforcer
      await guard.begin(state === undefined)
      timer = setInterval(() => void audit(), auditIntervalMs).unref()
    },
    close: () => clearInterval(timer),
  }
}

function withRepair(before: Repairs, { table, rules, elements }: Repair): Repairs {
  return {
    tables: before.tables + Number(table),
    rules: before.rules + Number(rules),
    elements: before.elements + elements,
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
