import { afterEach, beforeEach, expect, test } from 'vitest'
import { KernelWatch } from '../../bench/cni/kernel-watch.ts'
import { NETLINK_ROUTE } from '../../src/netlink/constants.ts'
import { setLink } from '../../src/netlink/link.ts'
import { type NetlinkSocket, openNetlink } from '../../src/netlink/socket.ts'
import { openNamespaces, pathOf } from './netlink-namespaces.ts'

const BETWEEN_MS = 20
/** They take longer than it has to be quiet, and much less than it is waited for. */
const CHANGES = 20
const QUIET_MS = 300

let namespaces: ReturnType<typeof openNamespaces>
let socket: NetlinkSocket
let watch: KernelWatch
let timer: NodeJS.Timeout | undefined

beforeEach(() => {
  namespaces = openNamespaces('quiet')
  const [netns = ''] = namespaces.names.map(pathOf)
  socket = openNetlink(NETLINK_ROUTE, { netns })
  watch = new KernelWatch([netns])
})

afterEach(() => {
  clearInterval(timer)
  watch.close()
  socket.close()
  namespaces.close()
})

test('a turn of the benchmark waits until the links of a node have been quiet for a while', async () => {
  const last = change(CHANGES)
  await watch.untilQuiet()
  const quietAtMs = performance.now()
  expect(quietAtMs - (await last)).toBeGreaterThanOrEqual(QUIET_MS - BETWEEN_MS)
})

test('but not for ever', async () => {
  void change(Number.POSITIVE_INFINITY)
  await watch.untilQuiet()
})

/** Makes the kernel tell something of a link, so often. Resolves to when it was the last time. */
function change(times: number): Promise<number> {
  return new Promise((resolve) => {
    let done = 0
    timer = setInterval(() => {
      socket.request(setLink('lo', { up: done % 2 === 0 }))
      if (++done < times) return
      clearInterval(timer)
      resolve(performance.now())
    }, BETWEEN_MS)
  })
}
