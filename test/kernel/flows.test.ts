import { afterAll, beforeAll, expect, test } from 'vitest'
import { runCommandLine } from '../../src/cli/command-line.ts'
import type { Flow } from '../../src/flows/flow.ts'
import { type Family, formatAddress, ip4 } from '../../src/policy/address.ts'
import { type Datagrams, openDatagrams } from './datagrams.ts'
import { nft, run } from './node-kernel.ts'
import { apps, ofFamily, policy, SmallCluster, statusOf } from './small-cluster.ts'
import { until } from './until.ts'

/** Denied packets, and allowed ones on demand, told by a real agent in the words of its cluster. */
// One test fills a set from outside, as a scan would.
const cluster = new SmallCluster(1, { flags: ['--guard', 'off'] })
const PORT = 5000
const OTHER_PORT = 5001
const SERVER = policy('server', 'server', {
  ingress: [{ from: apps('good'), ports: [{ protocol: 'UDP', port: PORT }] }],
})
const MUTE = policy('mute', 'mute', { policyTypes: ['Egress'] })

beforeAll(async () => {
  await cluster.start()
  await cluster.add(...['server', 'good', 'quiet', 'noisy', 'mute'].map((name) => ({ name })))
  await cluster.enforce(SERVER, MUTE)
})
afterAll(() => cluster.stop())

/** Sends from a pod, or from outside, to a pod. */
function send(from: string, to: string, port: number, family: Family, count = 1): void {
  withClient(from, family, (client) => {
    client.sendMany({ address: ofFamily(cluster.pod(to).addresses, family), port }, count)
  })
}

function withClient(from: string, family: Family, use: (client: Datagrams) => void): void {
  const own =
    from === 'outside'
      ? { netns: cluster.outside, address: cluster.outsideAddress(family) }
      : {
          netns: cluster.pod(from).netns,
          address: ofFamily(cluster.pod(from).addresses, family),
        }
  const client = openDatagrams(own.netns, { address: own.address, port: 0 })
  try {
    use(client)
  } finally {
    client.close()
  }
}

/** What `sluice flows -o json` prints, until `gone` where it follows. */
async function sluiceFlows(
  flags: readonly string[],
  gone?: AbortSignal,
  onFlow: (flow: Flow) => void = () => undefined,
): Promise<readonly Flow[]> {
  const flows: Flow[] = []
  const terminal = {
    out: (line: string) => {
      const flow: Flow = JSON.parse(line)
      flows.push(flow)
      onFlow(flow)
    },
    err: (text: string) => expect.fail(text),
    colour: false,
    ...(gone && { gone }),
  }
  const command = ['flows', '-o', 'json', '--run-dir', cluster.node.runDir, ...flags]
  expect(await runCommandLine(command, terminal)).toBe(0)
  return flows
}

/** The first flow that is recorded with these flags. */
async function flowOf(...flags: readonly string[]): Promise<Flow> {
  let found: Flow | undefined
  await until(`a flow with ${flags.join(' ')}`, async () => {
    found = (await sluiceFlows(flags))[0]
    return found !== undefined
  })
  return found ?? expect.fail('There is none.')
}

test.each<[Family]>([[4], [6]])(
  'a denied packet, its pods, its port and the reason: IPv%i',
  async (family) => {
    const port = OTHER_PORT + family
    send('good', 'server', port, family)
    const address = (name: string) => formatAddress(ofFamily(cluster.pod(name).addresses, family))
    const flow = await flowOf('--port', String(port))
    expect(flow).toMatchObject({
      packets: 1,
      verdict: 'deny',
      direction: 'ingress',
      protocol: 'UDP',
      port,
      from: { kind: 'pod', namespace: 'shop', pod: 'good', address: address('good') },
      to: { kind: 'pod', namespace: 'shop', pod: 'server', address: address('server') },
      reason: `Ingress of shop/server: it is isolated by shop/server, and the nearest rule, shop/server spec.ingress[0].ports[0], does not match: its ports are UDP ${PORT}, and the flow is UDP ${port}.`,
      isolatedBy: ['shop/server'],
      rule: { policy: 'shop/server', fails: ['port'], line: expect.any(Number) },
    })
    expect(flow.rule?.file).toMatch(/objects\.yaml$/u)
    await until('it is in the log', async () =>
      (await cluster.log(cluster.node)).some(
        (line) =>
          line['event'] === 'flow.denied' &&
          line['port'] === port &&
          line['reason'] === flow.reason,
      ),
    )
  },
)

test('out of a pod, and from outside the cluster', async () => {
  send('mute', 'good', PORT, 4)
  expect(await flowOf('--pod', 'shop/mute')).toMatchObject({
    direction: 'egress',
    from: { pod: 'mute' },
    to: { pod: 'good' },
    isolatedBy: ['shop/mute'],
  })
  send('outside', 'server', PORT, 4)
  await until('a flow from outside', async () =>
    (await sluiceFlows(['--pod', 'server'])).some(({ from }) => from.kind === 'outside'),
  )
})

test('a flood by one pod hides nobody else, also on the pod that it floods', async () => {
  const server = ofFamily(cluster.pod('server').addresses, 4)
  const to = { address: server, port: OTHER_PORT }
  withClient('quiet', 4, (quiet) => {
    withClient('noisy', 4, (noisy) => {
      noisy.sendMany(to, 5000)
      quiet.send(to)
      noisy.sendMany(to, 5000)
    })
  })
  expect(await flowOf('--pod', 'quiet')).toMatchObject({ packets: 1, to: { pod: 'server' } })
  const flood = await flowOf('--pod', 'noisy')
  expect(flood.packets).toBeLessThan(20)
  expect(await statusOf(cluster.node)).toMatchObject({
    flows: { lost: 0, overruns: 0, unreadable: 0, problem: null },
  })
})

test('a scan that leaves no room to count pairs hides nobody either', async () => {
  fillPairs()
  const port = OTHER_PORT + 10
  send('mute', 'server', port, 4)
  expect(await flowOf('--port', String(port))).toMatchObject({ from: { pod: 'mute' } })
  const listed = run(cluster.node.netns, 'nft', 'list', 'set', 'inet', 'sluice', 'deny_pairs4')
  const [mute, server] = ['mute', 'server'].map((name) =>
    formatAddress(ofFamily(cluster.pod(name).addresses, 4)),
  )
  expect(listed).not.toContain(`${mute} . ${server}`)
})

/** As a pod does that is denied to more addresses than there is room for: the last places are filled one by one. */
function fillPairs(): void {
  let next = 0
  for (let count = 1 << 13; count >= 1; ) {
    const pairs = Array.from({ length: count }, (_, i) => pairNumber(next + i))
    try {
      nft(cluster.node.netns, `add element inet sluice deny_pairs4 { ${pairs.join(', ')} }`)
      next += count
    } catch {
      count >>= 1
    }
  }
}

function pairNumber(number: number): string {
  return `192.0.2.1 . ${formatAddress(ip4(0x0a80_0000 + number))}`
}

test('allowed connections are told while somebody looks, and cost nothing afterwards', async () => {
  const tables = () => run(cluster.node.netns, 'nft', 'list', 'tables')
  expect(await sluiceFlows(['--verdict', 'allow'])).toEqual([])
  expect(tables()).not.toContain('sampling')
  const gone = new AbortController()
  const following = sluiceFlows(['--allowed', '--verdict', 'allow'], gone.signal, () =>
    gone.abort(),
  )
  await until('connections are sampled', () => tables().includes('table inet sluice_sampling'))
  send('good', 'server', PORT, 4)
  expect(await following).toMatchObject([
    {
      verdict: 'allow',
      direction: 'ingress',
      from: { pod: 'good' },
      to: { pod: 'server' },
      port: PORT,
      reason:
        'Egress of shop/good: no policy isolates it; ingress of shop/server: shop/server spec.ingress[0].from[0] allows it.',
    },
  ])
  await until('nothing samples any more', () => !tables().includes('sampling'))
})

test('an agent that dies leaves nothing that samples', async () => {
  const gone = new AbortController()
  const following = sluiceFlows(['--allowed', '--sample', '10', '--last', '0'], gone.signal)
  const listed = () => run(cluster.node.netns, 'nft', 'list', 'ruleset')
  await until('connections are sampled', () => listed().includes('numgen inc mod 10'))
  gone.abort()
  await following
  await cluster.killAgent(cluster.node)
  expect(listed()).not.toContain('sampling')
})
