import { expect, vi } from 'vitest'
import { type NodeState, nodeState } from '../kernel/node-state.ts'
import type { Machine } from '../real-cluster/machine.ts'

/** What pods have left on a machine that has an agent. */
export function stateOf(machine: Machine): NodeState {
  return nodeState({ netns: `/proc/${machine.pid}/ns/net`, runDir: machine.path('/run/sluice') })
}

/** Links go a moment after the DEL that was answered. */
export async function expectState(machine: Machine, expected: NodeState): Promise<void> {
  await vi.waitFor(() => expect(stateOf(machine)).toEqual(expected), { timeout: 10_000 })
}
