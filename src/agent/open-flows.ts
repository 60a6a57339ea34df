import type { Logger } from 'pino'
import type { ClusterState } from '../cluster/state.ts'
import { describeFlow } from '../flows/describe-flow.ts'
import type { Compiler } from '../policy/compile.ts'
import { FlowRecorder } from './flow-recorder.ts'
import type { Kernel } from './kernel.ts'
import type { AgentSource } from './source.ts'

export interface FlowParts {
  readonly kernel: Pick<Kernel, 'followLog' | 'sampleAllowed'>
  readonly compiler: Pick<Compiler, 'around'>
  readonly state: Pick<ClusterState, 'cluster'>
  readonly source: Pick<AgentSource, 'placeOf'>
  readonly log: Logger
  /** One in so many allowed connections goes into the log too; none without. */
  readonly logAllowed: number | undefined
}

/** Tells of logged packets in the words of this node's cluster. Never throws: policy holds without it. */
export function openFlows(parts: FlowParts): FlowRecorder {
  const { kernel, compiler, state, source, log, logAllowed } = parts
  return new FlowRecorder({
    followLog: (subscriber) => kernel.followLog(subscriber),
    sampleAllowed: (oneIn) => kernel.sampleAllowed(oneIn),
    describe: (packet, at) =>
      describeFlow(packet, at, {
        clusterAround: (addresses) => ({
          ...compiler.around(addresses),
          nodes: state.cluster.nodes,
        }),
        place: (rule) => source.placeOf(rule),
      }),
    now: Date.now,
    setInterval: (callback, periodMs) => {
      const timer = setInterval(callback, periodMs).unref()
      return { stop: () => clearInterval(timer) }
    },
    log,
    logAllowed,
  })
}
