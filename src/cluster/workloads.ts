import { type Json, type JsonObject, memberAt, objectAt, textAt } from './json.ts'

/** A pod that a workload stands for. */
export interface TemplatedPod {
  /** As a document of its own. */
  readonly value: JsonObject
  /** Path of the template in the workload: `spec.template`. */
  readonly template: string
}

export type Expansion =
  | { readonly kind: 'pods'; readonly pods: readonly TemplatedPod[] }
  | { readonly kind: 'invalid'; readonly path: string; readonly message: string }

/**
 * The pods that a workload stands for, named `name-0`, `name-1` and so on; `undefined` if the object is
 * no workload that we know. `nodes` are the names of the cluster's nodes: a DaemonSet has a pod on each,
 * or a single one where no node is known.
 */
export function expandWorkload(
  object: JsonObject,
  nodes: readonly string[],
): Expansion | undefined {
  const workload = WORKLOADS.get(`${textAt(object, 'apiVersion')} ${textAt(object, 'kind')}`)
  if (workload === undefined) return undefined
  const name = textAt(objectAt(object, 'metadata'), 'name')
  if (name === '') return { kind: 'invalid', path: 'metadata.name', message: 'is required' }
  const { template } = workload
  const found = at(object, template)
  if (Object.keys(found).length === 0) {
    return { kind: 'invalid', path: template, message: 'is required' }
  }
  const places = workload.placesOf(object, nodes)
  if ('message' in places) return { kind: 'invalid', ...places }
  const pods = places.map((node, index) => ({
    value: podOf(found, object, `${name}-${index}`, node),
    template,
  }))
  return { kind: 'pods', pods }
}

/** One element a pod: the node that it must be on, or '' for any. */
type Places = readonly string[] | { readonly path: string; readonly message: string }

interface Workload {
  readonly template: string
  readonly placesOf: (object: JsonObject, nodes: readonly string[]) => Places
}

const TEMPLATE = 'spec.template'
const replicated: Workload = {
  template: TEMPLATE,
  placesOf: (object) => count(object, 'spec.replicas'),
}

const WORKLOADS: ReadonlyMap<string, Workload> = new Map<string, Workload>([
  ['apps/v1 Deployment', replicated],
  ['apps/v1 StatefulSet', replicated],
  ['apps/v1 ReplicaSet', replicated],
  [
    'apps/v1 DaemonSet',
    { template: TEMPLATE, placesOf: (_object, nodes) => (nodes.length > 0 ? nodes : ['']) },
  ],
  ['batch/v1 Job', { template: TEMPLATE, placesOf: (object) => jobPlaces(object, 'spec') }],
  [
    'batch/v1 CronJob',
    {
      template: 'spec.jobTemplate.spec.template',
      placesOf: (object) => jobPlaces(object, 'spec.jobTemplate.spec'),
    },
  ],
])

/** Of a Job, the pods that run at one time. */
function jobPlaces(object: JsonObject, spec: string): Places {
  const parallel = count(object, `${spec}.parallelism`)
  const completions = count(object, `${spec}.completions`)
  if ('message' in parallel || 'message' in completions) {
    return 'message' in parallel ? parallel : completions
  }
  const bounded = typeof memberAt(at(object, spec), 'completions') === 'number'
  return bounded ? parallel.slice(0, completions.length) : parallel
}

/** More than anyone writes in a file on purpose; a slip must not fill the memory. */
const MAX_PODS = 10_000

function count(object: JsonObject, path: string): Places {
  const cut = path.lastIndexOf('.')
  const value = memberAt(at(object, path.slice(0, cut)), path.slice(cut + 1)) ?? 1
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MAX_PODS) {
    return Array.from({ length: value }, () => '')
  }
  return { path, message: `must be a whole number from 0 to ${MAX_PODS}, not ${show(value)}` }
}

function show(value: Json): string {
  return JSON.stringify(value).slice(0, 40)
}

function at(object: JsonObject, path: string): JsonObject {
  return path.split('.').reduce<JsonObject>((inner, key) => objectAt(inner, key), object)
}

function podOf(template: JsonObject, workload: JsonObject, name: string, node: string): JsonObject {
  const spec = objectAt(template, 'spec')
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...objectAt(template, 'metadata'),
      name,
      // Controllers ignore the namespace of a template.
      namespace: memberAt(objectAt(workload, 'metadata'), 'namespace') ?? 'default',
      ownerReferences: [ownerReference(workload)],
    },
    spec: node === '' ? spec : { ...spec, nodeName: node },
  }
}

/** As controllers leave it on their pods, without the ReplicaSets and Jobs that may be in between. */
function ownerReference(workload: JsonObject): JsonObject {
  return {
    apiVersion: textAt(workload, 'apiVersion'),
    kind: textAt(workload, 'kind'),
    name: textAt(objectAt(workload, 'metadata'), 'name'),
    controller: true,
  }
}
