import { setImmediate } from 'node:timers/promises'
import { describe, expect, test, vi } from 'vitest'
import { Enforcer, type Force } from '../../src/agent/enforcer.ts'
import type { SourceObject } from '../../src/cluster/source-change.ts'
import { ClusterState } from '../../src/cluster/state.ts'
import { CniError } from '../../src/cni/errors.ts'
import { Dataplane, type Touched } from '../../src/dataplane/dataplane.ts'
import { emptyKernelState } from '../../src/dataplane/kernel-state.ts'
import type { Attachment } from '../../src/pods/attachment.ts'
import { type Address, ip4 } from '../../src/policy/address.ts'
import { Compiler } from '../../src/policy/compile.ts'
import { decide } from '../../src/policy/decide.ts'
import { EVERYTHING, makeSelector } from '../../src/policy/selector.ts'
import { WEB_ATTACHMENT as attachment } from '../pods/web-attachment.ts'

const ADDRESS = ip4(0x0a00_0002)
const OLDER = ip4(0x0a00_0003)
const CLIENT = ip4(0xc000_0201)

/** Everyone may reach pods with `app: web`, nobody any other. */
const policies: readonly SourceObject[] = [
  {
    kind: 'policy',
    policy: {
      namespace: 'shop',
      name: 'web',
      podSelector: makeSelector([{ key: 'app', operator: 'In', values: ['web'] }]),
      ingress: [{ peers: 'everyone', ports: 'all' }],
      egress: undefined,
    },
  },
  {
    kind: 'policy',
    policy: {
      namespace: 'shop',
      name: 'closed',
      podSelector: EVERYTHING,
      ingress: [],
      egress: undefined,
    },
  },
]

const web = {
  kind: 'pod',
  pod: {
    namespace: 'shop',
    name: 'web-0',
    uid: 'u1',
    labels: new Map([['app', 'web']]),
    addresses: [],
    namedPorts: [],
    createdAt: 1,
    node: 'n1',
    local: false,
  },
} satisfies SourceObject

async function begun(options: {
  readonly unknownPods?: 'isolate' | 'refuse'
  readonly lookUp?: Force['lookUp']
  readonly commit?: () => void
  readonly gracePeriod?: () => Promise<void>
}) {
  const timers: (() => void)[] = []
  const refusals: string[] = []
  /** What the state had each time that the kernel held all of it. */
  const inForce: string[][] = []
  /** Each costs a listing of all connections. */
  const looks: object[] = []
  let pauses = 0
  const state = new ClusterState()
  const compiler = new Compiler()
  const enforcer = new Enforcer({
    node: 'n1',
    state,
    compiler,
    unknownPods: options.unknownPods ?? 'isolate',
    onRefused: (error) => refusals.push(error.message),
    setTimer: (callback) => void timers.push(callback),
    yieldToOthers: () => {
      pauses += 1
      return setImmediate()
    },
    onInForce: () => inForce.push([...state.cluster.policies.keys()]),
  })
  await enforcer.tell((all) => all.apply(policies), 'one')
  const parts = {
    commit: options.commit ?? (() => {}),
    read: () => Promise.resolve(emptyKernelState()),
    gracePeriod: options.gracePeriod ?? (() => Promise.resolve()),
    yieldToOthers: () => Promise.resolve(),
  }
  const dataplane = new Dataplane(parts, emptyKernelState())
  await enforcer.begin(async () => {
    await dataplane.reconcile(compiler.tables())
    const revocation = {
      sweep: (touched: Touched) => {
        if (touched === 'all' || touched.size > 0) looks.push({ sweep: touched })
      },
      forget: async (isFree: (address: Address) => boolean) => {
        looks.push({ forget: [ADDRESS, OLDER, CLIENT].filter(isFree) })
      },
      divert: () => Promise.resolve(),
      mendBars: () => Promise.resolve(0),
    }
    return { dataplane, inspectPod: () => [], revocation, lookUp: options.lookUp }
  })
  looks.length = 0
  const ingress = () =>
    decide(dataplane.tables(), 'ingress', { from: CLIENT, to: ADDRESS, protocol: 'TCP', port: 80 })
  return { enforcer, dataplane, timers, refusals, looks, inForce, ingress, pauses: () => pauses }
}

describe('a pod that the source has not told of', () => {
  test('is isolated until its labels are known', async () => {
    const { enforcer, dataplane, ingress } = await begun({})
    await enforcer.attach(attachment)
    expect(dataplane.state.locals.get(ADDRESS)).toBe('slc1')
    expect(ingress()).toBe('deny')
    await enforcer.tell((all) => all.apply([web]))
    expect(ingress()).toBe('allow')
  })

  test('has its labels at once where the source can be asked', async () => {
    const { enforcer, ingress } = await begun({ lookUp: () => Promise.resolve(web) })
    await enforcer.attach(attachment)
    expect(ingress()).toBe('allow')
  })

  test('is isolated where the source does not answer', async () => {
    const { enforcer, ingress } = await begun({ lookUp: () => Promise.reject(new Error('away')) })
    await enforcer.attach(attachment)
    expect(ingress()).toBe('deny')
  })

  test('gets no network yet where such are refused, and leaves nothing', async () => {
    const { enforcer, dataplane } = await begun({ unknownPods: 'refuse' })
    const refused = await enforcer.attach(attachment).catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(CniError)
    expect(refused).toMatchObject({
      code: 11,
      message:
        'Pod shop/web-0 (eth0) is not known on this node yet, and its namespace has policies that may name its labels',
    })
    expect(dataplane.state.locals.size).toBe(0)
    await enforcer.tell((all) => all.apply([web]))
    await enforcer.attach(attachment)
    expect(dataplane.state.locals.size).toBe(1)
  })
})

test('what the kernel refuses is told, tried again, and in force in the end', async () => {
  let refusing = false
  const commit = (): void => {
    if (refusing) throw new Error('EBUSY')
  }
  const { enforcer, timers, refusals, inForce, ingress } = await begun({ commit })
  expect(inForce).toEqual([['shop/web', 'shop/closed']])
  await enforcer.tell((all) => all.apply([web]))
  await enforcer.attach(attachment)
  refusing = true
  inForce.length = 0
  await enforcer.tell(
    (all) => all.apply([{ kind: 'gone', subject: { object: 'policy', key: 'shop/web' } }]),
    'two',
  )
  expect(refusals).toEqual([
    'The kernel refused a change to table inet sluice, whose verdicts stay as they were: EBUSY',
  ])
  expect([ingress(), enforcer.revision]).toEqual(['allow', undefined])
  expect(inForce).toEqual([])
  refusing = false
  timers.shift()?.()
  await enforcer.tell(() => [])
  expect([ingress(), enforcer.revision, enforcer.refusal]).toEqual(['deny', 'two', undefined])
  expect(inForce[0]).toEqual(['shop/closed'])
})

test('a pod and its policy come in one transaction', async () => {
  let commits = 0
  const { enforcer, dataplane } = await begun({ commit: () => void (commits += 1) })
  await enforcer.tell((all) => all.apply([web]))
  commits = 0
  await enforcer.attach(attachment)
  expect(commits).toBe(1)
  expect(dataplane.state.locals.get(ADDRESS)).toBe('slc1')
  expect(dataplane.state.subjects.ingress.get(ADDRESS)?.member).toBe(true)
})

test('nobody is served between the changes that a pod or a policy calls for: those who wait would wait longer', async () => {
  let commits = 0
  const { enforcer, pauses } = await begun({ commit: () => void (commits += 1) })
  await enforcer.tell((all) => all.apply([web]))
  await enforcer.attach(attachment)
  commits = 0
  await enforcer.tell((all) =>
    all.apply([{ kind: 'gone', subject: { object: 'policy', key: 'shop/web' } }]),
  )
  expect([commits, pauses()]).toEqual([1, 0])
})

test('what a change leaves over for packets on their way goes when they are through, and nobody waits for that', async () => {
  const { promise: through, resolve } = Promise.withResolvers<void>()
  const { enforcer, dataplane, ingress } = await begun({ gracePeriod: () => through })
  await enforcer.tell((all) => all.apply([web]))
  await enforcer.attach(attachment)
  const before = [...dataplane.state.portSets.keys()]
  await enforcer.tell((all) =>
    all.apply([{ kind: 'gone', subject: { object: 'policy', key: 'shop/web' } }]),
  )
  expect(ingress()).toBe('deny')
  expect([...dataplane.state.portSets.keys()]).toEqual(expect.arrayContaining(before))
  await enforcer.detach([attachment])
  expect(dataplane.state.locals.size).toBe(0)
  resolve()
  await vi.waitFor(() => expect(dataplane.isCalm).toBe(true))
  expect(dataplane.state.portSets.size).toBe(0)
})

describe('a policy that moves many addresses', () => {
  const others = Array.from({ length: 6500 }, (_, index): SourceObject => {
    const addresses = [ip4(0x0a01_0000 + index)]
    return { kind: 'pod', pod: { ...web.pod, name: `${index}`, uid: `${index}`, addresses } }
  })
  const db = { ...web, pod: { ...web.pod, labels: new Map([['app', 'db']]) } }
  const neighbours = { kind: 'pods', namespaces: 'own', pods: EVERYTHING } as const
  const policy: SourceObject = {
    kind: 'policy',
    policy: {
      namespace: 'shop',
      name: 'neighbours',
      podSelector: EVERYTHING,
      ingress: [{ peers: [neighbours], ports: 'all' }],
      egress: undefined,
    },
  }
  const first = ip4(0x0a01_0000)

  test('lets others be served between its steps', async () => {
    let commits = 0
    const { enforcer } = await begun({ commit: () => void (commits += 1) })
    await enforcer.tell((all) => all.apply([db, ...others]))
    await enforcer.attach(attachment)
    commits = 0
    let served = 0
    const enforced = enforcer.tell((all) => all.apply([policy]))
    let isDone = false
    void enforced.then(() => (isDone = true))
    for (; !isDone; await setImmediate()) served += commits > 0 ? 1 : 0
    expect(commits).toBeGreaterThanOrEqual(4)
    expect(served).toBeGreaterThanOrEqual(2)
  })

  test('is in force in the end when the kernel refuses one of its steps', async () => {
    let left = Number.POSITIVE_INFINITY
    const commit = (): void => {
      left -= 1
      if (left < 0) throw new Error('EBUSY')
    }
    const { enforcer, dataplane, timers } = await begun({ commit })
    await enforcer.tell((all) => all.apply([db, ...others]))
    await enforcer.attach(attachment)
    left = 1
    await enforcer.tell((all) => all.apply([policy]))
    expect(enforcer.refusal).toBeDefined()
    left = Number.POSITIVE_INFINITY
    timers.shift()?.()
    await enforcer.tell(() => [])
    const flow = { from: first, to: ADDRESS, protocol: 'TCP', port: 80 } as const
    expect(decide(dataplane.tables(), 'ingress', flow)).toBe('allow')
    expect(decide(dataplane.tables(), 'ingress', { ...flow, from: CLIENT })).toBe('deny')
  })
})

test('many that leave together let others in between', async () => {
  const { enforcer, dataplane } = await begun({})
  const many = Array.from({ length: 50 }, (_, index): Attachment => {
    const pod = { ...attachment.pod, name: `many-${index}` }
    const [id, addresses] = [`slcm${index}`, [ip4(0x0a00_0100 + index)]]
    return { ...attachment, id, hostInterface: id, pod, addresses }
  })
  for (const one of many) await enforcer.attach(one)
  const leaving = enforcer.detach(many)
  await enforcer.attach(attachment)
  expect(dataplane.state.locals.size).toBeGreaterThan(many.length / 2)
  await leaving
  expect([...dataplane.state.locals]).toEqual([[ADDRESS, 'slc1']])
})

describe('connections', () => {
  const old = { ...attachment, id: 'slc0', hostInterface: 'slc0', addresses: [OLDER] }

  test('are not looked at for a pod with an address of ours: nobody has any with it', async () => {
    const { enforcer, looks } = await begun({ lookUp: () => Promise.resolve(web) })
    await enforcer.attach(attachment)
    expect(looks).toEqual([])
  })

  test('of an address that others gave are forgotten first, and judged after', async () => {
    const { enforcer, looks } = await begun({})
    await enforcer.attach({ ...attachment, wiredBy: 'chain' })
    expect(looks[0]).toEqual({ forget: [ADDRESS] })
    expect(looks.slice(1)).toContainEqual({ sweep: new Set([ADDRESS]) })
  })

  test('of an older address of the same pod are judged anew, since it may have new labels', async () => {
    const { enforcer, looks } = await begun({})
    await enforcer.attach(old)
    await enforcer.attach(attachment)
    expect(looks).not.toEqual([])
    for (const look of looks) expect(look).toEqual({ sweep: new Set([OLDER]) })
  })

  test('of pods that leave together are forgotten in one look', async () => {
    const { enforcer, dataplane, looks } = await begun({})
    await enforcer.attach(old)
    await enforcer.attach(attachment)
    looks.length = 0
    await enforcer.detach([attachment, old])
    expect(looks.at(-1)).toEqual({ forget: [ADDRESS, OLDER] })
    expect(looks.filter((look) => 'forget' in look)).toHaveLength(1)
    expect(dataplane.state.locals.size).toBe(0)
  })

  test('of an address that is another pod’s by now stay', async () => {
    const { enforcer, dataplane, looks } = await begun({})
    await enforcer.attach(attachment)
    const other = { ...attachment.pod, name: 'web-1' }
    await enforcer.attach({ ...attachment, id: 'slc2', hostInterface: 'slc2', pod: other })
    await enforcer.detach([attachment])
    expect(looks.at(-1)).toEqual({ forget: [] })
    expect(dataplane.state.locals.get(ADDRESS)).toBe('slc2')
  })
})
