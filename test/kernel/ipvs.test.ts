import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { NETLINK_ROUTE } from '../../src/netlink/constants.ts'
import {
  createNamespace,
  deleteNamespace,
  writeFilesInNamespace,
} from '../../src/netlink/native.ts'
import { type NetlinkSocket, openNetlink } from '../../src/netlink/socket.ts'
import { prepareNode } from '../../src/pods/prepare-node.ts'

let base: string
let nodeNetns: string
let node: NetlinkSocket
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'sluice-ipvs-'))
  nodeNetns = join(base, 'node')
  createNamespace(nodeNetns)
  node = openNetlink(NETLINK_ROUTE, { netns: nodeNetns })
})
afterEach(() => {
  node.close()
  deleteNamespace(nodeNetns)
  rmSync(base, { recursive: true })
})

const ip = (...args: readonly string[]): string =>
  execFileSync('nsenter', [`--net=${nodeNetns}`, 'ip', ...args], { encoding: 'utf8' })
const prepare = (): void =>
  prepareNode([], { node, nodeNetns, writeFilesIn: writeFilesInNamespace })

test('a node whose kube-proxy is in IPVS mode is refused, until it is no longer', () => {
  prepare()
  ip('link', 'add', 'kube-ipvs0', 'type', 'veth')
  expect(prepare).toThrow(
    /^kube-proxy is in IPVS mode on this node .* Set its mode to nftables or iptables;/,
  )
  ip('link', 'delete', 'kube-ipvs0')
  prepare()
})
