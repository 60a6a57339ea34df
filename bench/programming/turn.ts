import type { ProgrammedNode, Way } from './node.ts'
import { podScenario, type Scenario } from './scenarios.ts'

/** Times of events in milliseconds, by the name of the event. */
export type Times = Map<string, number[]>

/** Carries a scenario out so many times and times its events, from the event to its commit. */
export async function timeScenario(
  node: ProgrammedNode,
  scenario: Scenario,
  { from, count, way }: { readonly from: number; readonly count: number; readonly way: Way },
): Promise<Times> {
  const times: Times = new Map()
  for (let index = from; index < from + count; index++) {
    for (const { name, change } of scenario(node, index)) {
      const startedAt = performance.now()
      await node.tell([change], name === undefined ? 'netlink' : way)
      const ms = performance.now() - startedAt
      if (name !== undefined) note(times, name, ms)
    }
  }
  return times
}

/** One pod that comes, by a full re-sync; it goes again in the usual way. */
export async function timeResync(node: ProgrammedNode, index: number): Promise<Times> {
  const times: Times = new Map()
  const [add, ...rest] = podScenario(node, index)
  if (add?.name === undefined) return times
  const startedAt = performance.now()
  await node.resync([add.change])
  note(times, add.name, performance.now() - startedAt)
  await node.tell(rest.map(({ change }) => change))
  return times
}

function note(times: Times, name: string, ms: number): void {
  const list = times.get(name)
  if (list === undefined) times.set(name, [ms])
  else list.push(ms)
}
