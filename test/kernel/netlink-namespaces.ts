import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { createNamespace, deleteNamespace } from '../../src/netlink/native.ts'

/** New network namespaces, lying where `ip -n` looks for them. */
export function openNamespaces(...suffixes: readonly string[]) {
  const names = suffixes.map((suffix) => `slcnl${process.pid}${suffix}`)
  mkdirSync('/run/netns', { recursive: true })
  for (const name of names) createNamespace(pathOf(name))
  return {
    names,
    close() {
      for (const name of names) deleteNamespace(pathOf(name))
    },
  }
}

export function pathOf(namespace: string): string {
  return `/run/netns/${namespace}`
}

/** What `ip -json -details` lists in a namespace: the oracle. */
export function ip(namespace: string, ...command: readonly string[]): Record<string, unknown>[] {
  const text = execFileSync('ip', ['-n', namespace, '-j', '-d', '-N', ...command], {
    encoding: 'utf8',
  })
  const parsed: unknown = text.trim() === '' ? [] : JSON.parse(text)
  if (!Array.isArray(parsed)) throw new Error(`ip ${command.join(' ')} printed ${text}`)
  return parsed.filter((item: object) => Object.keys(item).length > 0)
}
