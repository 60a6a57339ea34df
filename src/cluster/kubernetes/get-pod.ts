import type { SourceChange } from '../source-change.ts'
import { getObject, type GetObjectParts, type ObjectName } from './get-object.ts'
import type { Inventory } from './inventory.ts'
import { PODS } from './resources.ts'

export interface GetPodParts extends GetObjectParts {
  readonly inventory: Pick<Inventory, 'round' | 'noteAsked'>
}

/**
 * Asks for one pod, when the watch may be behind. What it says is for `ClusterState.apply`, like any change.
 * @throws as `getObject`
 */
export async function getPod(
  pod: ObjectName,
  { inventory, ...parts }: GetPodParts,
): Promise<SourceChange> {
  const { round } = inventory
  const change = await getObject(PODS, pod, parts)
  inventory.noteAsked(change, round)
  return change
}
