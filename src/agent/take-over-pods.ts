import type { CniParts } from '../cni/verbs.ts'
import type { ClusterState } from '../cluster/state.ts'
import type { FoundTables } from '../dataplane/inspect.ts'
import { describe } from '../pods/attachment.ts'
import type { PodRecord } from '../pods/record.ts'
import { type TakenOver, takeOver } from '../pods/take-over.ts'
import type { ClusterEvent } from '../policy/model.ts'
import type { AgentOptions } from './agent-options.ts'
import type { Enforcer } from './enforcer.ts'
import { toldPodOf } from './last-told.ts'
import { recordRebuilder } from './rebuild-record.ts'

export interface TakeOverPodsParts {
  readonly pods: Pick<CniParts, 'records' | 'ipam' | 'wiring' | 'now'>
  readonly found: FoundTables
  readonly state: ClusterState
  readonly enforcer: Pick<Enforcer, 'tell'>
}

/**
 * Takes over the pods that an earlier agent left; once the source has told all.
 *
 * @throws as `takeOver`
 */
export async function takeOverPods(
  { node, log }: AgentOptions,
  { pods, found, state, enforcer }: TakeOverPodsParts,
): Promise<TakenOver> {
  // Nobody has told the enforcer of a pod that went while no agent ran: there is nothing to take out of it.
  const nobody = { detach: () => Promise.resolve() }
  const rebuild = recordRebuilder({
    pods: state.cluster.pods.values(),
    node,
    hostPorts: found.state?.hostPorts.values() ?? [],
  })
  const taken = await takeOver({ ...pods, enforcement: nobody, rebuild })
  for (const record of taken.rebuilt) {
    log.warn(
      { event: 'record.rebuilt', interface: record.hostInterface },
      `${describe(record)} had no record in the run directory; it is written anew from what kernel and source tell`,
    )
  }
  for (const pod of taken.kept) pods.wiring.renew(pod)
  await enforcer.tell(() => taken.kept.flatMap((record) => attach(record, node, state)))
  return taken
}

function attach(
  { id, pod, addresses, lastTold }: PodRecord,
  node: string,
  state: ClusterState,
): ClusterEvent[] {
  const told = lastTold && toldPodOf(lastTold)
  return state.attach({ id, ...pod, node, addresses, lastTold: told }).events
}
