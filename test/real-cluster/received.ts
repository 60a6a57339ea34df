import * as v from 'valibot'
import type { Machine } from './machine.ts'

const routes = v.array(v.object({ dst: v.string(), dev: v.optional(v.string()) }))
const links = v.array(
  v.object({ ifname: v.string(), stats64: v.object({ tx: v.object({ packets: v.number() }) }) }),
)

/** How many packets each pod of a node has been sent since it was wired, by its address. */
export async function received(machine: Machine): Promise<ReadonlyMap<string, number>> {
  const found = v.parse(routes, JSON.parse(await machine.run(['ip', '-json', 'route'])))
  const listed = await machine.run(['ip', '-json', '-statistics', 'link'])
  const sent = new Map(
    v.parse(links, JSON.parse(listed)).map(({ ifname, stats64 }) => [ifname, stats64.tx.packets]),
  )
  return new Map(
    found.flatMap(({ dst, dev = '' }) =>
      dev.startsWith('slc') ? [[dst, sent.get(dev) ?? 0]] : [],
    ),
  )
}
