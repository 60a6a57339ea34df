import type { Logger } from 'pino'
import type { FoundTables } from '../dataplane/inspect.ts'
import type { TakenOver } from '../pods/take-over.ts'
import type { AgentStatus } from './agent-status.ts'

/** Says what the agent found, and what of it stays. */
export function logReady(
  log: Logger,
  { state, obstacle }: FoundTables,
  { kept, rebuilt, released, deleted }: TakenOver,
  status: AgentStatus,
): void {
  const table = state === undefined ? 'installed' : 'adopted'
  const pods = {
    kept: kept.length,
    rebuilt: rebuilt.length,
    released: released.length,
    deleted: deleted.length,
  }
  log.info(
    { event: 'agent.ready', table, replaced: obstacle, ...pods, ...status },
    'the policies of this node are in force',
  )
}
