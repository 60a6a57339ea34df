import { setTimeout as delay } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { NETLINK_NETFILTER } from '../../src/netlink/constants.ts'
import { type NetlinkSocket, openNetlink } from '../../src/netlink/socket.ts'
import { commit } from '../../src/nftables/commit.ts'
import { listCounters, listRules } from '../../src/nftables/list.ts'
import { formatAddress, ip4 } from '../../src/policy/address.ts'
import { nft } from '../../test/kernel/node-kernel.ts'
import { apps, ofFamily, policy, SmallCluster } from '../../test/kernel/small-cluster.ts'
import { GOALS } from '../goals.ts'
import { type Damage, damages } from '../guard/damages.ts'
import type { FloodOrder } from '../guard/paced-worker.ts'
import type { BenchContext } from '../harness/context.ts'
import { type Figure, figureOf } from '../harness/figure.ts'

const PODS = 2000
/** Of each damage, in a round. */
const TRIALS = 5
const PORT = 5000
const REST_MS = 60
const PATIENCE_MS = 5000
const TABLE = { family: 'inet', table: 'sluice' } as const
const COUNTING = { family: 'inet', table: 'counting' } as const
/** Every packet of the flood is judged by itself, and counted behind the policy program. */
const COUNTING_RULES = `table inet counting {
  counter passed {}
  chain untracked { type filter hook prerouting priority raw; udp dport ${PORT} notrack; }
  chain passed { type filter hook forward priority 10; udp dport ${PORT} counter name passed; }
}`
const POLICY = policy('server', 'server', { ingress: [{ from: apps('friend') }] })

interface Trial {
  readonly ms: number
  /** Denied packets that passed. */
  readonly passed: number
}

/**
 * From a change that somebody else makes to the table, which the agent does not own here, until it is right again;
 * and how many of 10,000 denied packets a second pass meanwhile. Beside 2,000 pods of the cluster.
 *
 * @throws Error when it is not put right, or packets pass afterwards
 */
export async function guardFigures({
  say,
  noise,
  signal,
  rounds,
}: BenchContext): Promise<Figure[]> {
  say('guard: setting up')
  const cluster = new SmallCluster(1, { flags: ['--guard', 'watch'] })
  const stop: (() => void)[] = []
  try {
    await cluster.start()
    await cluster.enforce(POLICY, ...Array.from({ length: PODS }, (_, index) => remotePod(index)))
    await cluster.add({ name: 'server' }, { name: 'foe' })
    const socket = openNetlink(NETLINK_NETFILTER, { netns: cluster.node.netns })
    stop.push(() => socket.close())
    nft(cluster.node.netns, COUNTING_RULES)
    stop.push(flood(cluster))
    const server = ofFamily(cluster.pod('server').addresses, 4)
    const all = damages(server, listRules(socket, TABLE, 'forward').length)
    const results = new Map(all.map((damage) => [damage, [] as Trial[][]]))
    for (const round of rounds(1, 2)) {
      noise.sample()
      for (const [damage, trials] of results) {
        signal.throwIfAborted()
        say(`guard: ${damage.name}, round ${round + 1}`)
        trials.push(await trialsOf(damage, socket))
      }
    }
    return [...results].flatMap(([damage, trials]) => figuresOf(damage, trials))
  } finally {
    for (const one of stop.toReversed()) one()
    await cluster.stop()
  }
}

async function trialsOf(damage: Damage, socket: NetlinkSocket): Promise<Trial[]> {
  const trials: Trial[] = []
  for (let number = 0; number < TRIALS; number++) trials.push(await trial(damage, socket))
  return trials
}

async function trial(
  { name, transaction, isMended }: Damage,
  socket: NetlinkSocket,
): Promise<Trial> {
  const before = passedPackets(socket)
  const startedAt = performance.now()
  commit(socket, transaction())
  while (!isMended(socket)) {
    if (performance.now() - startedAt > PATIENCE_MS) {
      throw new Error(
        `WRONG VERDICT: ${name} of table inet sluice was not put right in ${PATIENCE_MS} ms.`,
      )
    }
    await delay(0)
  }
  const ms = performance.now() - startedAt
  await delay(REST_MS)
  const passed = passedPackets(socket)
  await delay(REST_MS)
  if (passedPackets(socket) > passed) {
    throw new Error(
      `WRONG VERDICT: denied packets pass after ${name} of table inet sluice was put right.`,
    )
  }
  return { ms, passed: passed - before }
}

function passedPackets(socket: NetlinkSocket): number {
  return Number(listCounters(socket, COUNTING)[0]?.packets ?? 0n)
}

function flood(cluster: SmallCluster): () => void {
  const [from, to] = [cluster.pod('foe'), cluster.pod('server')]
  const workerData: FloodOrder = {
    netns: from.netns,
    from: { address: ofFamily(from.addresses, 4), port: 4000 },
    to: { address: ofFamily(to.addresses, 4), port: PORT },
  }
  const worker = new Worker(new URL('../guard/paced-worker.ts', import.meta.url), { workerData })
  return () => worker.postMessage('stop')
}

const STATISTICS = [
  ['p50', 0.5],
  ['p99', 0.99],
] as const

function figuresOf({ name }: Damage, rounds: readonly (readonly Trial[])[]): Figure[] {
  return STATISTICS.flatMap(([statistic, share]) => {
    const figure = `Repair of ${name}, ${statistic}`
    const wrong = `Repair of ${name}, packets of the wrong verdict, ${statistic}`
    return [
      figureOf({
        figure,
        unit: 'ms',
        share,
        ours: rounds.map((trials) => trials.map(({ ms }) => ms)),
        goal: GOALS[figure],
      }),
      figureOf({
        figure: wrong,
        unit: 'packets',
        share,
        ours: rounds.map((trials) => trials.map((one) => one.passed)),
      }),
    ]
  })
}

function remotePod(index: number): object {
  const name = `other-${index}`
  const ip = formatAddress(ip4(0x0b00_0000 + index))
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace: 'shop', name, uid: name, labels: { app: `other-${index % 100}` } },
    spec: { nodeName: 'elsewhere', containers: [{ name: 'main', image: 'none' }] },
    status: { podIPs: [{ ip }] },
  }
}
