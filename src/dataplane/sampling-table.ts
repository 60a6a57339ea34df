import { limit, log, match, matchAny, oneIn, type Statement } from '../nftables/statements.ts'
import { type TableReference, Transaction } from '../nftables/transaction.ts'
import { LOGGED } from './program.ts'

export interface SamplingOptions {
  /** One in so many new connections is logged. */
  readonly oneIn: number
  readonly logGroup: number
  readonly podInterfacePrefix: string
}

const SAMPLING_TABLE: TableReference = { family: 'inet', table: 'sluice_sampling' }

/**
 * A table that logs new connections which all filters have let through. It is there only while somebody asks for
 * them, so that it costs nothing otherwise; the kernel takes it away when the socket that made it closes, also that
 * of an agent that died (Linux 5.12).
 */
export function samplingTable(options: SamplingOptions): Transaction {
  const { podInterfacePrefix } = options
  const logged = [matchAny('ct state', ['new']), ...sampled(options)]
  return new Transaction(SAMPLING_TABLE)
    .createTable({ flags: ['owner'] })
    .createChain('forward', { type: 'filter', hook: 'forward', priority: BEHIND_FILTERS })
    .addRule('forward', logged)
    .createChain('input', { type: 'filter', hook: 'input', priority: BEHIND_FILTERS })
    .addRule('input', [match('iifname', '==', `${podInterfacePrefix}*`), ...logged])
}

/** Behind NF_IP_PRI_SECURITY, which is 50. */
const BEHIND_FILTERS = 60

function sampled({ oneIn: packets, logGroup }: SamplingOptions): Statement[] {
  return [
    ...(packets > 1 ? [oneIn(packets)] : []),
    limit(1000, 'second', 1000),
    log({ group: logGroup, prefix: 'sluice:allow', ...LOGGED }),
  ]
}
