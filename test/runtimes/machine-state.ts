import { type NodeState, nodeState } from '../kernel/node-state.ts'
import type { Machine } from '../real-cluster/machine.ts'

/** What pods have left on a machine that has an agent. */
export function stateOf(machine: Machine): NodeState {
  return nodeState({ netns: `/proc/${machine.pid}/ns/net`, runDir: machine.path('/run/sluice') })
}
