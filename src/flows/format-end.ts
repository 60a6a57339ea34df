import type { FlowEnd } from './flow.ts'

/** One end of a flow in one word: `shop/web-0`, `node/n2:10250`, `[2001:db8::1]:53`. */
export function formatEnd(end: FlowEnd, port: number | null = null): string {
  if (port === null) return nameOf(end)
  return end.kind === 'outside' && end.address.includes(':')
    ? `[${end.address}]:${port}`
    : `${nameOf(end)}:${port}`
}

function nameOf(end: FlowEnd): string {
  if (end.kind === 'pod') return `${end.namespace}/${end.pod}`
  return end.kind === 'node' ? `node/${end.node}` : end.address
}
