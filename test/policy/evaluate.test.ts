import { describe, expect, test } from 'vitest'
import { ip4 } from '../../src/policy/address.ts'
import { clusterOf } from '../../src/policy/cluster.ts'
import { evaluate } from '../../src/policy/evaluate.ts'
import { makeSelector } from '../../src/policy/selector.ts'
import type { Verdict } from '../../src/policy/verdict.ts'
import { CASES, clusterOfCase, flowOf } from './cases.ts'
import type { Case, CaseFlow } from './cases.ts'
import { SHOP, app, namespace, pod, policy } from './cases/objects.ts'

describe.each(CASES)('$name', (given) => {
  const cluster = clusterOfCase(given)
  test.each(given.flows)('%s to %s, %s: %s', (...flow) => {
    const verdict = evaluate(cluster, flowOf(flow))
    expect(verdict.verdict, verdict.reason).toBe(flow[3])
  })
})

test('no two cases have one name', () => {
  expect(new Set(CASES.map(({ name }) => name)).size).toBe(CASES.length)
})

function ask(objects: readonly unknown[], flow: string, rest: Partial<Case> = {}): Verdict {
  const [from = '', to = '', ...what] = flow.split(' ')
  const asked: CaseFlow = [from, to, what.join(' '), 'allow']
  return evaluate(clusterOfCase({ name: flow, objects, flows: [], ...rest }), flowOf(asked))
}

describe('the reason', () => {
  const objects = [
    ...SHOP,
    policy('shop/closed', { policyTypes: ['Ingress', 'Egress'] }),
    policy('shop/web', {
      podSelector: app('web'),
      egress: [{ to: [{ podSelector: app('db') }, { podSelector: app('api') }] }],
    }),
    policy('shop/api', {
      podSelector: app('api'),
      ingress: [
        { from: [{ podSelector: app('db') }], ports: [{ port: 443 }] },
        {
          from: [{ podSelector: app('web') }],
          ports: [{ port: 'http' }, { port: 'dns', protocol: 'UDP' }],
        },
      ],
    }),
  ]

  test('of an allow names the peer of the rule in each direction', () => {
    const verdict = ask(objects, 'shop/web shop/api TCP 80')
    expect(verdict).toEqual({
      verdict: 'allow',
      reason:
        'Egress of shop/web: shop/web spec.egress[0].to[1] allows it; ' +
        'ingress of shop/api: shop/api spec.ingress[1].from[0] allows it.',
      egress: {
        verdict: 'allow',
        isolatedBy: ['shop/closed', 'shop/web'],
        allowedBy: { policy: 'shop/web', path: 'spec.egress[0].to[1]' },
        nearestMiss: null,
      },
      ingress: {
        verdict: 'allow',
        isolatedBy: ['shop/api', 'shop/closed'],
        allowedBy: { policy: 'shop/api', path: 'spec.ingress[1].from[0]' },
        nearestMiss: null,
      },
    })
  })

  test('of a deny names the rule that fails on the fewest parts', () => {
    const { ingress, reason } = ask(objects, 'shop/web shop/api TCP 81')
    expect(ingress.allowedBy).toBeNull()
    expect(ingress.nearestMiss).toEqual({
      policy: 'shop/api',
      path: 'spec.ingress[1].ports',
      fails: ['port'],
      why: 'its ports are TCP "http" (on shop/api 80) and UDP "dns" (on shop/api 53), and the flow is TCP 81',
    })
    expect(reason).toBe(
      'Ingress of shop/api: it is isolated by shop/api and shop/closed, and the nearest rule, ' +
        `shop/api spec.ingress[1].ports, does not match: ${ingress.nearestMiss?.why ?? ''}.`,
    )
  })

  test('names every part that fails', () => {
    expect(ask(objects, 'ops/web shop/api UDP 443').ingress.nearestMiss).toEqual({
      policy: 'shop/api',
      path: 'spec.ingress[0].from[0]',
      fails: ['peer', 'protocol'],
      why:
        'its peers are pods with app=db of its own namespace, and ops/web is not among them; ' +
        'its ports are TCP 443, and the flow is UDP 443',
    })
  })

  test('counts a wrong protocol, and a port wrong under any', () => {
    const fails = (flow: string) => ask(objects, flow).ingress.nearestMiss?.fails
    expect(fails('shop/db shop/api TCP 443')).toBeUndefined()
    expect(fails('shop/db shop/api UDP 443')).toEqual(['protocol'])
    expect(fails('shop/db shop/api UDP 444')).toEqual(['protocol', 'port'])
    expect(fails('shop/web shop/api TCP 53')).toEqual(['port'])
    expect(fails('shop/web shop/api ICMP')).toEqual(['protocol'])
  })

  test('of equally near rules tells the first by policy name and place', () => {
    expect(ask(objects, 'ops/probe shop/api TCP 1').ingress.nearestMiss?.path).toBe(
      'spec.ingress[0].from[0]',
    )
  })

  test('has no nearest rule where there is none', () => {
    const { egress, reason } = ask(objects, 'shop/db ops/web TCP 80')
    expect(egress).toEqual({
      verdict: 'deny',
      isolatedBy: ['shop/closed'],
      allowedBy: null,
      nearestMiss: null,
    })
    expect(reason).toBe(
      'Egress of shop/db: it is isolated by shop/closed and no rule allows anything.',
    )
  })

  test('of a rule for everyone is the rule itself', () => {
    const { ingress } = ask(
      [...SHOP, policy('shop/open', { ingress: [{}] })],
      'ops/web shop/db ICMP',
    )
    expect(ingress.allowedBy).toEqual({ policy: 'shop/open', path: 'spec.ingress[0]' })
  })

  test('points at one peer or port where there is only one, else at the list', () => {
    const path = (rule: unknown) =>
      ask([...SHOP, policy('shop/in', { ingress: [rule] })], 'ops/web shop/db TCP 80').ingress
        .nearestMiss?.path
    expect(path({ from: [{ podSelector: {} }] })).toBe('spec.ingress[0].from[0]')
    expect(path({ from: [{ podSelector: {} }, { podSelector: app('x') }] })).toBe(
      'spec.ingress[0].from',
    )
    expect(path({ ports: [{ port: 1 }] })).toBe('spec.ingress[0].ports[0]')
    expect(path({ ports: [{ port: 1 }, { port: 2 }] })).toBe('spec.ingress[0].ports')
  })

  test('says that nothing isolates, that policy has no say, or that no pod is there', () => {
    expect(ask(SHOP, 'shop/web ops/web TCP 1').reason).toBe(
      'Egress of shop/web: no policy isolates it; ingress of ops/web: no policy isolates it.',
    )
    expect(ask(SHOP, '192.0.2.1 ops/web TCP 1').reason).toBe(
      'Ingress of ops/web: no policy isolates it.',
    )
    expect(ask(SHOP, '192.0.2.1 192.0.2.2 TCP 1').reason).toBe(
      'Neither 192.0.2.1 nor 192.0.2.2 is a pod, so no policy applies.',
    )
    const self = ask(objects, 'shop/web shop/web TCP 1')
    expect(self.reason).toBe('A pod always reaches itself.')
    expect([self.egress.never, self.ingress.never]).toEqual(['self', 'self'])
  })

  test('says that a node reaches its own pods', () => {
    const near = [
      pod('a/x', { ips: ['10.0.0.1'], spec: { nodeName: 'n1' } }),
      policy('a/closed', {}),
    ]
    const verdict = ask(near, '172.16.0.1 a/x TCP 1', { nodes: { n1: ['172.16.0.1'] } })
    expect(verdict.ingress).toMatchObject({ never: 'own node', isolatedBy: ['a/closed'] })
    expect(verdict.reason).toBe('Ingress of a/x: a pod always hears its own node.')
  })

  test('says why a policy is invalid', () => {
    const broken = policy('shop/broken', { ingress: [{ ports: [{ port: '80' }] }] })
    expect(ask([...SHOP, broken], 'ops/web shop/db TCP 80').reason).toContain(
      'isolated by shop/broken (invalid: spec.ingress[0].ports[0].port: must be a number without quotes',
    )
  })
})

describe('a pod without an address', () => {
  const files = [
    namespace('a'),
    pod('a/x', { labels: { app: 'x' } }),
    pod('a/y', { labels: { app: 'y' } }),
  ]
  const from = (...peers: unknown[]) => [
    ...files,
    policy('a/in', { podSelector: app('y'), ingress: [{ from: peers }] }),
  ]
  const block = (cidr: string, except?: string[]) => ({ ipBlock: { cidr, except } })

  test('is judged by its labels', () => {
    expect(ask(from({ podSelector: app('x') }), 'a/x a/y TCP 1').verdict).toBe('allow')
    expect(ask(from({ podSelector: app('z') }), 'a/x a/y TCP 1').verdict).toBe('deny')
    expect(ask(from({ podSelector: app('z') }), 'a/y a/x TCP 1').verdict).toBe('allow')
  })

  test('may or may not be in a block', () => {
    const verdict = ask(from(block('10.0.0.0/8')), 'a/x a/y TCP 1')
    expect(verdict.verdict).toBe('depends')
    expect(verdict.ingress.verdict).toBe('depends')
    expect(verdict.ingress.nearestMiss).toMatchObject({ path: 'spec.ingress[0].from[0]' })
    expect(verdict.reason).toContain(
      'its peers are 10.0.0.0/8, and the address of a/x is not known',
    )
  })

  test('is in a block of a whole family, unless something is excepted', () => {
    expect(ask(from(block('0.0.0.0/0')), 'a/x a/y TCP 1').verdict).toBe('allow')
    expect(ask(from(block('::/0')), 'a/x a/y TCP 1').verdict).toBe('allow')
    expect(ask(from(block('0.0.0.0/0', ['10.0.0.0/8'])), 'a/x a/y TCP 1').verdict).toBe('depends')
  })

  test('has the family of what it talks to', () => {
    const objects = from(block('0.0.0.0/0'))
    expect(ask(objects, '192.0.2.1 a/y TCP 1').verdict).toBe('allow')
    expect(ask(objects, '2001:db8::1 a/y TCP 1').verdict).toBe('deny')
  })

  test('does not depend on a block when a selector or the port decides', () => {
    const either = from(block('10.0.0.0/8'), { podSelector: app('x') })
    expect(ask(either, 'a/x a/y TCP 1').ingress.allowedBy?.path).toBe('spec.ingress[0].from[1]')
    const ports = [
      ...files,
      policy('a/in', { ingress: [{ from: [block('10.0.0.0/8')], ports: [{ port: 1 }] }] }),
    ]
    expect(ask(ports, 'a/x a/y TCP 1').verdict).toBe('depends')
    expect(ask(ports, 'a/x a/y TCP 2').verdict).toBe('deny')
  })

  test('is denied, whatever its address, where the other direction denies', () => {
    const objects = [...from(block('10.0.0.0/8')), policy('a/out', { policyTypes: ['Egress'] })]
    expect(ask(objects, 'a/x a/y TCP 1').verdict).toBe('deny')
  })

  test('reaches itself', () => {
    expect(ask(from(), 'a/y a/y TCP 1').verdict).toBe('allow')
  })
})

describe('a pod with two addresses', () => {
  test('depends on the family where the two differ, and says how', () => {
    const verdict = ask(
      [
        pod('a/x', { ips: ['10.0.0.1', 'fd00::1'] }),
        pod('a/y', { labels: { app: 'y' }, ips: ['10.0.0.2', 'fd00::2'] }),
        policy('a/in', {
          podSelector: app('y'),
          ingress: [{ from: [{ ipBlock: { cidr: '10.0.0.0/8' } }] }],
        }),
      ],
      'a/x a/y TCP 1',
    )
    expect(verdict.verdict).toBe('depends')
    expect(verdict.reason).toMatch(
      /^From 10\.0\.0\.1 to 10\.0\.0\.2 the answer is allow, because .*; from fd00::1 to fd00::2 the answer is deny, because /,
    )
  })
})

describe('an end that is not there', () => {
  test('throws for a pod that is not in the cluster', () => {
    const flow = flowOf(['a/x', '10.0.0.1', 'TCP 1', 'allow'])
    expect(() => evaluate(clusterOf([]), flow)).toThrow('There is no pod a/x')
  })

  test('denies what a finished pod would send or get', () => {
    const objects = [pod('a/x', { status: { phase: 'Failed' } }), pod('a/y', { ips: ['10.0.0.1'] })]
    expect(ask(objects, 'a/y a/x TCP 1')).toMatchObject({
      verdict: 'deny',
      reason: 'a/x has finished: it has no address any more.',
    })
  })

  test('denies where the families differ', () => {
    expect(ask(SHOP, 'fd00::1 shop/web TCP 1')).toMatchObject({
      verdict: 'deny',
      reason: 'fd00::1 and shop/web have no addresses of one family.',
    })
  })

  test('knows a pod on the network of a node without known addresses by the node', () => {
    const objects = [
      pod('a/host', { spec: { hostNetwork: true, nodeName: 'n1' } }),
      pod('a/near', { spec: { nodeName: 'n1' } }),
      pod('a/far', { spec: { nodeName: 'n2' } }),
      policy('a/in', { ingress: [{ from: [{ podSelector: {} }] }] }),
    ]
    expect(ask(objects, 'a/host a/near TCP 1').verdict).toBe('allow')
    expect(ask(objects, 'a/host a/far TCP 1').verdict).toBe('deny')
    expect(ask(objects, 'a/far a/host TCP 1').verdict).toBe('allow')
  })
})

describe('a pod here whose labels nobody has told yet', () => {
  const stranger = {
    kind: 'pod',
    pod: {
      namespace: 'shop',
      name: 'new',
      uid: 'u',
      labels: new Map<string, string>(),
      addresses: [ip4(0x0a00_0063)],
      namedPorts: [],
      createdAt: 0,
      node: 'n1',
      local: true,
      stranger: true,
    },
  } as const
  const flow = {
    from: { kind: 'address', address: ip4(0x0a00_0101) },
    to: { kind: 'pod', key: 'shop/new' },
    protocol: 'TCP',
    port: 80,
  } as const
  const other = policyEvent('shop', 'about-others')

  test('is isolated by any policy of its namespace, whatever that selects and allows', () => {
    expect(evaluate(clusterOf([stranger, other]), flow)).toMatchObject({
      verdict: 'deny',
      ingress: { isolatedBy: ['shop/about-others'], allowedBy: null },
      egress: { verdict: 'allow' },
    })
  })

  test('is open as long as its namespace has none', () => {
    const elsewhere = policyEvent('ops', 'elsewhere')
    expect(evaluate(clusterOf([stranger, elsewhere]), flow).verdict).toBe('allow')
  })
})

/** A policy for pods with `app: web` that lets everyone in. */
function policyEvent(namespaceName: string, name: string) {
  return {
    kind: 'policy',
    policy: {
      namespace: namespaceName,
      name,
      podSelector: makeSelector([{ key: 'app', operator: 'In', values: ['web'] }]),
      ingress: [{ peers: 'everyone', ports: 'all' }],
      egress: undefined,
    },
  } as const
}
