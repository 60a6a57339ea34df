import { setTimeout as delay } from 'node:timers/promises'
import type { Mode } from '../harness/context.ts'
import { expectReach } from '../harness/expect-reach.ts'
import { type Cluster, openCluster } from './cluster.ts'
import type { Closers } from './closers.ts'
import { type Contender, PATHS } from './contender.ts'
import { CHECK_PORT, type PodEnd } from './pod-end.ts'
import type { Requests } from './requests.ts'
import { type Bridge, openBridge } from './bridge.ts'

/** What connection tracking takes by itself: it begins where the first rule asks for it. */
const TRACKING = `nft 'table inet tracking {
  chain forward {
    type filter hook forward priority filter
    ct state established,related accept
  }
}'`

/**
 * Sluice; the same pods, wired in the same way by the same agents, whose table was then deleted; those with
 * connection tracking only (in full mode); and Debian's `bridge`. The first is ours.
 */
export async function openContenders(
  mode: Mode,
  { scratch, requests, closers }: Parts,
): Promise<readonly [Contender, ...Contender[]]> {
  const ours = await openCluster('benchours', scratch('ours'), closers)
  const bare = await openCluster('benchbare', scratch('bare'), closers)
  const bridge = await openBridge(scratch('bridge'), closers)
  for (const pod of [...serversOf(ours), ...serversOf(bare), bridge.server]) {
    await requests.serve(pod.netns)
    await pod.place.listen([{ protocol: 'TCP', address: '::', port: CHECK_PORT }])
  }
  await untilEnforced(ours)
  await untilEnforced(bare)
  await bare.endAgents()
  bare.run('nft delete table inet sluice')
  const sluice = {
    ...endsOf(ours),
    name: 'Sluice',
    isGoal: false,
    check: () => checkVerdicts(ours, 'unanswered'),
  }
  return [
    sluice,
    withoutTable(bare),
    ...(mode === 'full' ? [trackingOnly(bare)] : []),
    bridgeContender(bridge),
  ]
}

export interface Parts {
  /** Makes a directory in memory. */
  readonly scratch: (name: string) => string
  readonly requests: Requests
  readonly closers: Closers
}

function withoutTable(bare: Cluster): Contender {
  return {
    ...endsOf(bare),
    name: 'no table',
    isGoal: true,
    check: () => checkVerdicts(bare, 'answered'),
  }
}

function trackingOnly(bare: Cluster): Contender {
  return {
    ...withoutTable(bare),
    name: 'tracking only',
    isGoal: false,
    begin: () => bare.run(TRACKING),
    end: () => bare.run('nft delete table inet tracking'),
  }
}

function bridgeContender({ client, server }: Bridge): Contender {
  return {
    name: 'bridge',
    isGoal: true,
    client,
    servers: { 'same node': server },
    check: () => expectReach(client, server, CHECK_PORT, 'answered'),
  }
}

function endsOf({ client, servers }: Cluster): Pick<Contender, 'client' | 'servers'> {
  return { client, servers }
}

function serversOf({ servers }: Cluster): PodEnd[] {
  return PATHS.map((path) => servers[path])
}

/** The client reaches all servers; what becomes of the stranger is told. */
async function checkVerdicts(cluster: Cluster, stranger: 'answered' | 'unanswered'): Promise<void> {
  for (const server of serversOf(cluster)) {
    await expectReach(cluster.client, server, CHECK_PORT, 'answered')
    await expectReach(cluster.stranger, server, CHECK_PORT, stranger)
  }
}

const KNOWN_WITHIN_MS = 10_000
const POLL_MS = 100

/** Nodes learn the addresses of each other's pods a moment after these have them. */
async function untilEnforced(cluster: Cluster): Promise<void> {
  const end = performance.now() + KNOWN_WITHIN_MS
  for (;;) {
    try {
      return await checkVerdicts(cluster, 'unanswered')
    } catch (error) {
      if (performance.now() > end) throw error
      await delay(POLL_MS)
    }
  }
}
