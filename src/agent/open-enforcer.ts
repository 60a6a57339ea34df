import { setImmediate } from 'node:timers/promises'
import type { ToldPod } from '../cluster/local-pods.ts'
import { PolicyLedger } from '../cluster/policy-ledger.ts'
import { ClusterState } from '../cluster/state.ts'
import type { FoundTables } from '../dataplane/inspect.ts'
import { highestClass } from '../dataplane/kernel-state.ts'
import { Compiler } from '../policy/compile.ts'
import type { AgentOptions } from './agent-options.ts'
import { Enforcer } from './enforcer.ts'

/** From what the source and the container runtime tell to what the kernel gets. */
export interface Enforcing {
  readonly state: ClusterState
  /** How far each policy is on that way. */
  readonly ledger: PolicyLedger
  readonly compiler: Compiler
  readonly enforcer: Enforcer
}

export interface EnforcingNews {
  /** The kernel holds all that was told so far. */
  readonly onInForce: () => void
  /** The source has spoken of the pod that an attachment is of. */
  readonly onTold: (id: string, told: ToldPod) => void
}

export function openEnforcer(
  { node, chained, unknownPods, log }: AgentOptions,
  found: FoundTables,
  { onInForce, onTold }: EnforcingNews,
): Enforcing {
  const ledger = new PolicyLedger(() => new Date())
  const state = new ClusterState({
    chainedNode: chained ? node : undefined,
    onPolicy: (told) => ledger.tell(told),
    onTold,
  })
  const compiler = compilerAbove(found)
  const enforcer = new Enforcer({
    state,
    compiler,
    node,
    unknownPods,
    onRefused: (error) => log.error({ event: 'commit.refused', err: error }, error.message),
    onInForce: () => {
      ledger.settle()
      onInForce()
    },
    setTimer: (callback, delayMs) => setTimeout(callback, delayMs).unref(),
    yieldToOthers: () => setImmediate(),
  })
  return { state, ledger, compiler, enforcer }
}

/** Its ids are above all that the kernel still holds; equal port sets keep theirs. */
function compilerAbove({ state }: FoundTables): Compiler {
  return new Compiler(state && { firstClass: highestClass(state) + 1, portSetIds: state.portSets })
}
