import type { TestNode } from './three-nodes.ts'

/** What `ip` lists of our routes to other nodes, without what is the same for all. */
export function routesOf({ run }: Pick<TestNode, 'run'>, table: string = 'main'): string[] {
  const show = `route show proto 83 table ${table}`
  return linesOf(run(`ip -4 ${show} 2>/dev/null || true; ip -6 ${show} 2>/dev/null || true`))
    .map((line) => line.replaceAll(/ (proto 83|metric 1024|onlink|pref medium)/g, ''))
    .filter((line) => line.includes(' via '))
}

/** All that is left in a kernel of paths to other nodes. */
export function leftoversOf({ run }: Pick<TestNode, 'run'>): string[] {
  return [
    ...linesOf(run('ip -4 route show table all proto 83; ip -6 route show table all proto 83')),
    ...linesOf(run('ip rule; ip -6 rule')).filter((line) => line.endsWith('proto 83')),
    ...linesOf(run('ip -o link show type vxlan')),
  ]
}

export function linesOf(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
}
