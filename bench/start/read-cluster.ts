import type { JsonObject } from '../../src/cluster/json.ts'
import { readObject } from '../../src/cluster/kubernetes/read-object.ts'
import { RESOURCES } from '../../src/cluster/kubernetes/resources.ts'
import type { SourceChange } from '../../src/cluster/source-change.ts'
import type { ObjectTexts } from './cluster-texts.ts'

/** The objects as the agent has them in memory once its source has read them. */
export function readCluster(texts: ObjectTexts): SourceChange[] {
  return RESOURCES.flatMap((resource) =>
    (texts.get(resource.path) ?? []).map((text) => {
      const object: JsonObject = JSON.parse(text)
      return readObject(resource, object)
    }),
  )
}
