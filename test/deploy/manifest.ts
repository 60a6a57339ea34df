import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as v from 'valibot'
import { parseAllDocuments } from 'yaml'

const ROOT = join(import.meta.dirname, '..', '..')

/** The documents of a YAML file of the project. */
export function readDocuments(path: string): unknown[] {
  return parseAllDocuments(readFileSync(join(ROOT, path), 'utf8')).map((document): unknown => {
    const [error] = document.errors
    if (error !== undefined) throw error
    return document.toJS()
  })
}

const container = v.object({
  name: v.string(),
  image: v.string(),
  args: v.array(v.string()),
  securityContext: v.object({
    allowPrivilegeEscalation: v.boolean(),
    readOnlyRootFilesystem: v.boolean(),
    privileged: v.optional(v.boolean()),
    capabilities: v.object({ drop: v.array(v.string()), add: v.optional(v.array(v.string()), []) }),
  }),
  volumeMounts: v.array(
    v.object({
      name: v.string(),
      mountPath: v.string(),
      mountPropagation: v.optional(v.string()),
      readOnly: v.optional(v.boolean(), false),
    }),
  ),
})

const daemonSet = v.object({
  kind: v.literal('DaemonSet'),
  spec: v.object({
    selector: v.object({ matchLabels: v.record(v.string(), v.string()) }),
    updateStrategy: v.optional(v.unknown()),
    template: v.object({
      metadata: v.object({ labels: v.record(v.string(), v.string()) }),
      spec: v.looseObject({
        initContainers: v.tuple([container]),
        containers: v.tuple([container]),
        volumes: v.array(
          v.object({
            name: v.string(),
            hostPath: v.object({ path: v.string(), type: v.string() }),
          }),
        ),
      }),
    }),
  }),
})

export type Container = v.InferOutput<typeof container>

/** The DaemonSet of a manifest, as far as the tests look at it. */
export function readDaemonSet(path: string): v.InferOutput<typeof daemonSet>['spec'] {
  const found = readDocuments(path).find((one) => v.is(daemonSet, one))
  return v.parse(daemonSet, found).spec
}
