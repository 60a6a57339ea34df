import { run } from './node-kernel.ts'

type Listed = Record<string, Record<string, unknown>>

/**
 * What `nft` lists of `table inet sluice`, without what differs between two equal tables: handles, counts, the order
 * of elements, and the elements that come and go with packets.
 */
export function tableContent(netns: string): string {
  const listed: { nftables: Listed[] } = JSON.parse(
    run(netns, 'nft', '-j', 'list', 'table', 'inet', 'sluice'),
  )
  const objects = listed.nftables.flatMap((entry) => Object.entries(entry)).map(plain)
  const rules = objects.filter((text) => text.startsWith('rule '))
  const others = objects.filter((text) => !text.startsWith('rule ')).toSorted()
  // Rules of one chain stay in their order.
  return [...others, ...rules.toSorted(byChain)].join('\n')
}

const VOLATILE: ReadonlySet<string> = new Set(['handle', 'packets', 'bytes', 'elem'])

function plain([kind, object]: [string, Record<string, unknown>]): string {
  const { elem } = object
  const rest = Object.fromEntries(Object.entries(object).filter(([name]) => !VOLATILE.has(name)))
  const volatile = /^(deny_rate|deny_pairs|cut)[46]$/u.test(String(rest['name']))
  const elements = Array.isArray(elem) && !volatile ? elem.map((one) => JSON.stringify(one)) : []
  const name = String(rest['chain'] ?? rest['name'])
  return [kind, name, JSON.stringify(rest), ...elements.toSorted()].join(' ')
}

function byChain(a: string, b: string): number {
  const [first = '', second = ''] = [a, b].map((text) => text.split(' ')[1] ?? '')
  return first < second ? -1 : Number(first > second)
}
