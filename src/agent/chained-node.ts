import type { Logger } from 'pino'
import type { Chain } from '../cni/chain.ts'
import type { Obstacle } from '../cni/obstacle.ts'
import type { ClusterState } from '../cluster/state.ts'
import type { BridgeTable } from '../dataplane/bridge-table.ts'
import type { Attachment } from '../pods/attachment.ts'
import { bridgedPodOf } from './bridged-pod-of.ts'
import { BridgeWatch } from './bridge-watch.ts'
import type { Kernel } from './kernel.ts'
import { UnattachedPods } from './unattached-pods.ts'

/** A node whose pods another plugin wires. */
export interface ChainedNode {
  readonly chain: Chain
  readonly bridges: BridgeTable
  /** Pods that came without us. */
  readonly unattached: UnattachedPods
  /** Puts back what keeps these pods from passing policy by on their bridges. @throws {DataplaneError} */
  resume(kept: readonly Attachment[]): Promise<void>
  /** Why no pod can be added, if that is so. */
  obstacle(): Obstacle | undefined
  /** What is not well with the node, a sentence each. */
  problems(): readonly string[]
  close(): void
}

/** For so long packets between pods on one bridge may pass policy by, after somebody has switched that off. */
const LOOK_AT_BRIDGES_EVERY_MS = 1000

export function openChainedNode(
  kernel: Pick<Kernel, 'chained'>,
  state: ClusterState,
  log: Logger,
): ChainedNode {
  const { findEntry, findInterface, requireBridgeFilter, bridges } = kernel.chained()
  const watch = new BridgeWatch({ require: requireBridgeFilter, log })
  const timer = setInterval(() => watch.check(), LOOK_AT_BRIDGES_EVERY_MS)
  timer.unref()
  const unattached = new UnattachedPods({
    addresses: () => state.unattached(),
    isAttached: (address) => state.isAttached(address),
    findInterface: (address) => {
      const found = findInterface(address)
      if (found?.isBridge) watch.begin()
      return found?.name
    },
  })
  return {
    chain: { findEntry, requireBridgeFilter: () => watch.require() },
    bridges,
    unattached,
    resume: async (kept) => {
      const bridged = kept.flatMap((attachment) => bridgedPodOf(attachment) ?? [])
      if (bridged.length > 0) watch.begin()
      await bridges.open(bridged)
    },
    obstacle: () => {
      watch.check()
      return watch.problem === undefined ? undefined : { reason: watch.problem, harmsPods: true }
    },
    problems: () => (watch.problem === undefined ? [] : [watch.problem]),
    close: () => clearInterval(timer),
  }
}
