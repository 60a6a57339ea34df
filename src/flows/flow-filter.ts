import type { Flow, FlowEnd } from './flow.ts'

/** Which flows somebody asks for; what is left out does not matter. */
export interface FlowFilter {
  /** `namespace/name` or `name` of a pod at either end. */
  readonly pod?: string | undefined
  /** Of a pod at either end. */
  readonly namespace?: string | undefined
  readonly verdict?: Flow['verdict'] | undefined
  readonly port?: number | undefined
}

export function matchesFilter(flow: Flow, { pod, namespace, verdict, port }: FlowFilter): boolean {
  const ends = [flow.from, flow.to]
  return (
    (pod === undefined || ends.some((end) => isPod(end, pod))) &&
    (namespace === undefined || ends.some((end) => namespaceOf(end) === namespace)) &&
    (verdict === undefined || flow.verdict === verdict) &&
    (port === undefined || flow.port === port)
  )
}

function isPod(end: FlowEnd, pod: string): boolean {
  return end.kind === 'pod' && (pod === end.pod || pod === `${end.namespace}/${end.pod}`)
}

function namespaceOf(end: FlowEnd): string | undefined {
  return end.kind === 'pod' ? end.namespace : undefined
}
