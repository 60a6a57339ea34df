import type { Case } from '../cases.ts'
import { SHOP, app, namespace, pod, policy } from './objects.ts'

/** Which pods a policy isolates, in which direction, and what adds up. */
export const isolationCases: readonly Case[] = [
  {
    name: 'without policies everything is open',
    objects: SHOP,
    flows: [
      ['shop/web', 'shop/api', 'TCP 80', 'allow'],
      ['ops/probe', 'shop/db', 'UDP 1', 'allow'],
      ['shop/web', '192.0.2.1', 'ICMP', 'allow'],
      ['192.0.2.1', 'shop/web', 'SCTP 65535', 'allow'],
      ['192.0.2.1', '192.0.2.2', 'TCP 80', 'allow'],
    ],
  },
  {
    name: 'a policy isolates only the pods that it selects, only in its own namespace',
    objects: [...SHOP, policy('shop/closed', { podSelector: app('web') })],
    flows: [
      ['shop/api', 'shop/web', 'TCP 80', 'deny'],
      ['192.0.2.1', 'shop/web', 'TCP 80', 'deny'],
      ['shop/web', 'shop/api', 'TCP 80', 'allow'],
      ['shop/api', 'ops/web', 'TCP 80', 'allow'],
    ],
  },
  {
    name: 'ingress isolation denies every protocol, ICMP and SCTP too',
    objects: [...SHOP, policy('shop/closed', {})],
    flows: [
      ['shop/web', 'shop/api', 'TCP 80', 'deny'],
      ['shop/web', 'shop/api', 'UDP 80', 'deny'],
      ['shop/web', 'shop/api', 'SCTP 80', 'deny'],
      ['shop/web', 'shop/api', 'ICMP', 'deny'],
    ],
  },
  {
    name: 'an absent spec selects every pod of the namespace, for ingress',
    objects: [...SHOP, policy('shop/closed')],
    flows: [
      ['ops/web', 'shop/web', 'TCP 80', 'deny'],
      ['shop/web', 'ops/web', 'TCP 80', 'allow'],
    ],
  },
  {
    name: 'a null podSelector selects every pod of the namespace',
    objects: [...SHOP, policy('shop/closed', { podSelector: null, policyTypes: ['Egress'] })],
    flows: [
      ['shop/web', 'ops/web', 'TCP 80', 'deny'],
      ['ops/web', 'shop/web', 'TCP 80', 'allow'],
    ],
  },
  {
    name: 'without policyTypes there is ingress, and egress if it has a rule',
    objects: [
      ...SHOP,
      policy('shop/both', { podSelector: app('web'), egress: [{}] }),
      policy('shop/one', { podSelector: app('api'), egress: [], policyTypes: [] }),
    ],
    flows: [
      ['shop/web', 'shop/db', 'TCP 80', 'allow'],
      ['shop/db', 'shop/web', 'TCP 80', 'deny'],
      ['shop/db', 'shop/api', 'TCP 80', 'deny'],
      ['shop/api', 'shop/db', 'TCP 80', 'allow'],
    ],
  },
  {
    name: 'rules of a direction that is not among policyTypes are void',
    objects: [
      ...SHOP,
      policy('shop/closed', { policyTypes: ['Ingress'] }),
      policy('shop/void', { policyTypes: ['Egress'], ingress: [{}], egress: [{}] }),
    ],
    flows: [
      ['ops/web', 'shop/db', 'TCP 80', 'deny'],
      ['shop/db', 'ops/web', 'TCP 80', 'allow'],
    ],
  },
  {
    name: 'policyTypes Egress alone leaves ingress open and denies all egress',
    objects: [...SHOP, policy('shop/closed', { podSelector: {}, policyTypes: ['Egress'] })],
    flows: [
      ['shop/web', 'shop/db', 'TCP 80', 'deny'],
      ['shop/web', '192.0.2.1', 'UDP 53', 'deny'],
      ['ops/web', 'shop/web', 'TCP 80', 'allow'],
    ],
  },
  {
    name: 'both directions must allow',
    objects: [
      ...SHOP,
      policy('shop/out', { podSelector: app('web'), policyTypes: ['Egress'], egress: [{}] }),
      policy('ops/in', { podSelector: app('probe') }),
    ],
    flows: [
      ['shop/web', 'ops/probe', 'TCP 80', 'deny'],
      ['shop/web', 'ops/web', 'TCP 80', 'allow'],
    ],
  },
  {
    name: 'policies add up: the order and number of them never denies what one allows',
    objects: [
      ...SHOP,
      policy('shop/a-closed', {}),
      policy('shop/b-web', {
        podSelector: app('api'),
        ingress: [{ from: [{ podSelector: app('web') }] }],
      }),
      policy('shop/c-db', {
        podSelector: app('api'),
        ingress: [{ from: [{ podSelector: app('db') }], ports: [{ port: 80 }] }],
      }),
    ],
    flows: [
      ['shop/web', 'shop/api', 'TCP 443', 'allow'],
      ['shop/db', 'shop/api', 'TCP 80', 'allow'],
      ['shop/db', 'shop/api', 'TCP 443', 'deny'],
      ['ops/web', 'shop/api', 'TCP 80', 'deny'],
    ],
  },
  {
    name: 'peers of one rule do not combine with ports of another',
    objects: [
      ...SHOP,
      policy('shop/two', {
        podSelector: app('api'),
        ingress: [
          { from: [{ podSelector: app('web') }], ports: [{ port: 80 }] },
          { from: [{ podSelector: app('db') }], ports: [{ port: 443 }] },
        ],
      }),
    ],
    flows: [
      ['shop/web', 'shop/api', 'TCP 80', 'allow'],
      ['shop/web', 'shop/api', 'TCP 443', 'deny'],
      ['shop/db', 'shop/api', 'TCP 443', 'allow'],
      ['shop/db', 'shop/api', 'TCP 80', 'deny'],
    ],
  },
  {
    name: 'selector operators of the pods that a policy selects',
    objects: [
      namespace('a'),
      pod('a/x', { labels: { k: 'x' }, ips: ['10.0.0.1'] }),
      pod('a/y', { labels: { k: 'y' }, ips: ['10.0.0.2'] }),
      pod('a/empty', { labels: { k: '' }, ips: ['10.0.0.3'] }),
      pod('a/none', { ips: ['10.0.0.4'] }),
      ...['In', 'NotIn'].map((operator) =>
        policy(`a/${operator.toLowerCase()}`, {
          podSelector: { matchExpressions: [{ key: 'k', operator, values: ['x', ''] }] },
          ingress: [{ ports: [{ port: operator === 'In' ? 1 : 2 }] }],
        }),
      ),
      ...['Exists', 'DoesNotExist'].map((operator) =>
        policy(`a/${operator.toLowerCase()}`, {
          podSelector: { matchExpressions: [{ key: 'k', operator }] },
          ingress: [{ ports: [{ port: operator === 'Exists' ? 3 : 4 }] }],
        }),
      ),
    ],
    flows: [
      ...(['1', '3'] as const).map((p) => ['a/y', 'a/x', `TCP ${p}`, 'allow'] as const),
      ...(['2', '4'] as const).map((p) => ['a/y', 'a/x', `TCP ${p}`, 'deny'] as const),
      ...(['2', '3'] as const).map((p) => ['a/x', 'a/y', `TCP ${p}`, 'allow'] as const),
      ...(['1', '4'] as const).map((p) => ['a/x', 'a/y', `TCP ${p}`, 'deny'] as const),
      ...(['1', '3'] as const).map((p) => ['a/x', 'a/empty', `TCP ${p}`, 'allow'] as const),
      ...(['2', '4'] as const).map((p) => ['a/x', 'a/empty', `TCP ${p}`, 'deny'] as const),
      ...(['2', '4'] as const).map((p) => ['a/x', 'a/none', `TCP ${p}`, 'allow'] as const),
      ...(['1', '3'] as const).map((p) => ['a/x', 'a/none', `TCP ${p}`, 'deny'] as const),
    ],
  },
  {
    name: 'requirements of one selector must all hold',
    objects: [
      ...SHOP,
      policy('shop/none', {
        podSelector: {
          matchLabels: { app: 'api' },
          matchExpressions: [{ key: 'app', operator: 'In', values: ['web', 'db'] }],
        },
      }),
      policy('shop/api', {
        podSelector: {
          matchLabels: { app: 'api' },
          matchExpressions: [{ key: 'empty', operator: 'Exists' }],
        },
      }),
    ],
    flows: [
      ['ops/web', 'shop/web', 'TCP 80', 'allow'],
      ['ops/web', 'shop/api', 'TCP 80', 'deny'],
    ],
  },
  {
    name: 'an invalid policy isolates both directions of its pods and allows nothing',
    objects: [
      ...SHOP,
      policy('shop/broken', {
        podSelector: app('api'),
        policyTypes: ['Ingress'],
        ingress: [{}, { ports: [{ port: 80, endPort: 79 }] }],
      }),
    ],
    flows: [
      ['shop/web', 'shop/api', 'TCP 80', 'deny'],
      ['shop/api', 'shop/web', 'TCP 80', 'deny'],
      ['shop/web', 'shop/db', 'TCP 80', 'allow'],
    ],
  },
  {
    name: 'an invalid policy takes nothing from what valid ones allow',
    objects: [
      ...SHOP,
      policy('shop/broken', { podSelector: app('api'), ingress: [{ form: [] }] }),
      policy('shop/fine', { podSelector: app('api'), ingress: [{ ports: [{ port: 80 }] }] }),
    ],
    flows: [
      ['shop/web', 'shop/api', 'TCP 80', 'allow'],
      ['shop/web', 'shop/api', 'TCP 81', 'deny'],
      ['shop/api', 'shop/web', 'TCP 80', 'deny'],
    ],
  },
  {
    name: 'a policy with an invalid podSelector isolates its whole namespace',
    objects: [
      ...SHOP,
      policy('shop/broken', {
        podSelector: { matchExpressions: [{ key: 'app', operator: 'Is', values: ['api'] }] },
      }),
    ],
    flows: [
      ['shop/web', 'shop/db', 'TCP 80', 'deny'],
      ['shop/web', 'ops/web', 'TCP 80', 'deny'],
      ['ops/web', 'ops/probe', 'TCP 80', 'allow'],
    ],
  },
  {
    name: 'a pod reaches itself whatever policy says',
    objects: [...SHOP, policy('shop/closed', { policyTypes: ['Ingress', 'Egress'] })],
    flows: [
      ['shop/web', 'shop/web', 'TCP 80', 'allow'],
      ['shop/web', 'shop/web', 'ICMP', 'allow'],
      ['shop/web', 'shop/api', 'TCP 80', 'deny'],
    ],
  },
  {
    name: 'what a node sends to its own pods arrives; other nodes are plain addresses',
    nodes: { n1: ['172.16.0.1'], n2: ['172.16.0.2'] },
    objects: [
      namespace('a'),
      pod('a/x', { ips: ['10.0.0.1'], spec: { nodeName: 'n1' } }),
      policy('a/closed', { policyTypes: ['Ingress', 'Egress'] }),
    ],
    flows: [
      ['172.16.0.1', 'a/x', 'TCP 80', 'allow'],
      ['172.16.0.1', 'a/x', 'ICMP', 'allow'],
      ['172.16.0.2', 'a/x', 'TCP 80', 'deny'],
      ['a/x', '172.16.0.1', 'TCP 80', 'deny'],
      ['a/x', '172.16.0.2', 'TCP 80', 'deny'],
    ],
  },
]
