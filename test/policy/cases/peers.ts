import type { Case } from '../cases.ts'
import { SHOP, app, namespace, pod, policy } from './objects.ts'

function ingressTo(name: string, from: readonly unknown[]): unknown {
  return policy(`shop/${name}`, { podSelector: app('db'), ingress: [{ from }] })
}

function egressTo(to: readonly unknown[]): unknown {
  return policy('shop/egress', {
    podSelector: app('web'),
    policyTypes: ['Egress'],
    egress: [{ to }],
  })
}

/** Whom `from` and `to` name. */
export const peerCases: readonly Case[] = [
  {
    name: 'an absent or empty list of peers is everyone',
    objects: [
      ...SHOP,
      policy('shop/absent', { podSelector: app('db'), ingress: [{ ports: [{ port: 1 }] }] }),
      policy('shop/empty', {
        podSelector: app('db'),
        ingress: [{ from: [], ports: [{ port: 2 }] }],
      }),
      policy('shop/null', {
        podSelector: app('db'),
        ingress: [{ from: null, ports: [{ port: 3 }] }],
      }),
    ],
    flows: [
      ['192.0.2.1', 'shop/db', 'TCP 1', 'allow'],
      ['ops/web', 'shop/db', 'TCP 2', 'allow'],
      ['shop/web', 'shop/db', 'TCP 3', 'allow'],
      ['shop/web', 'shop/db', 'TCP 4', 'deny'],
    ],
  },
  {
    name: 'podSelector alone means pods of the own namespace',
    objects: [...SHOP, ingressTo('in', [{ podSelector: app('web') }])],
    flows: [
      ['shop/web', 'shop/db', 'TCP 1', 'allow'],
      ['ops/web', 'shop/db', 'TCP 1', 'deny'],
      ['shop/api', 'shop/db', 'TCP 1', 'deny'],
      ['192.0.2.1', 'shop/db', 'TCP 1', 'deny'],
    ],
  },
  {
    name: 'an empty podSelector alone is every pod of the own namespace, and nothing else',
    objects: [...SHOP, ingressTo('in', [{ podSelector: {} }])],
    flows: [
      ['shop/web', 'shop/db', 'TCP 1', 'allow'],
      ['ops/web', 'shop/db', 'TCP 1', 'deny'],
      ['192.0.2.1', 'shop/db', 'TCP 1', 'deny'],
    ],
  },
  {
    name: 'namespaceSelector alone means every pod there, not the own namespace',
    objects: [...SHOP, ingressTo('in', [{ namespaceSelector: { matchLabels: { team: 'ops' } } }])],
    flows: [
      ['ops/web', 'shop/db', 'TCP 1', 'allow'],
      ['ops/probe', 'shop/db', 'TCP 1', 'allow'],
      ['shop/web', 'shop/db', 'TCP 1', 'deny'],
    ],
  },
  {
    name: 'an empty namespaceSelector is every pod of every namespace, and no other address',
    objects: [...SHOP, ingressTo('in', [{ namespaceSelector: {} }])],
    flows: [
      ['ops/web', 'shop/db', 'TCP 1', 'allow'],
      ['shop/web', 'shop/db', 'TCP 1', 'allow'],
      ['192.0.2.1', 'shop/db', 'TCP 1', 'deny'],
    ],
  },
  {
    name: 'both selectors in one peer must match; in two peers either',
    objects: [
      ...SHOP,
      ingressTo('and', [
        { namespaceSelector: { matchLabels: { team: 'ops' } }, podSelector: app('web') },
      ]),
      policy('shop/or', {
        podSelector: app('api'),
        ingress: [
          {
            from: [
              { namespaceSelector: { matchLabels: { team: 'ops' } } },
              { podSelector: app('web') },
            ],
          },
        ],
      }),
    ],
    flows: [
      ['ops/web', 'shop/db', 'TCP 1', 'allow'],
      ['ops/probe', 'shop/db', 'TCP 1', 'deny'],
      ['shop/web', 'shop/db', 'TCP 1', 'deny'],
      ['ops/probe', 'shop/api', 'TCP 1', 'allow'],
      ['shop/web', 'shop/api', 'TCP 1', 'allow'],
      ['shop/db', 'shop/api', 'TCP 1', 'deny'],
    ],
  },
  {
    name: 'namespaces can be named by kubernetes.io/metadata.name, whatever labels they claim',
    objects: [
      ...SHOP,
      namespace('liar', { 'kubernetes.io/metadata.name': 'ops' }),
      pod('liar/web', { ips: ['10.0.2.1'] }),
      ingressTo('in', [
        { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'ops' } } },
      ]),
    ],
    flows: [
      ['ops/web', 'shop/db', 'TCP 1', 'allow'],
      ['liar/web', 'shop/db', 'TCP 1', 'deny'],
    ],
  },
  {
    name: 'NotIn and DoesNotExist match namespaces and pods without the key',
    objects: [
      ...SHOP,
      namespace('bare'),
      pod('bare/x', { ips: ['10.0.2.1'] }),
      ingressTo('in', [
        {
          namespaceSelector: {
            matchExpressions: [{ key: 'team', operator: 'NotIn', values: ['ops'] }],
          },
          podSelector: { matchExpressions: [{ key: 'app', operator: 'DoesNotExist' }] },
        },
      ]),
    ],
    flows: [
      ['bare/x', 'shop/db', 'TCP 1', 'allow'],
      ['ops/probe', 'shop/db', 'TCP 1', 'deny'],
      ['shop/web', 'shop/db', 'TCP 1', 'deny'],
    ],
  },
  {
    name: 'an empty value matches only where the key is there',
    objects: [...SHOP, ingressTo('in', [{ podSelector: { matchLabels: { empty: '' } } }])],
    flows: [
      ['shop/api', 'shop/db', 'TCP 1', 'allow'],
      ['shop/web', 'shop/db', 'TCP 1', 'deny'],
    ],
  },
  {
    name: 'a pod of a namespace not known yet is in {} and in its own namespace by name, in nothing else',
    objects: [
      pod('early/x', { labels: { app: 'x' }, ips: ['10.0.0.1'] }),
      pod('early/y', { labels: { app: 'y' }, ips: ['10.0.0.2'] }),
      namespace('a'),
      pod('a/any', { labels: { app: 'any' }, ips: ['10.0.0.3'] }),
      pod('a/named', { labels: { app: 'named' }, ips: ['10.0.0.4'] }),
      pod('a/not', { labels: { app: 'not' }, ips: ['10.0.0.5'] }),
      policy('early/own', { podSelector: app('y'), ingress: [{ from: [{ podSelector: {} }] }] }),
      policy('a/any', {
        podSelector: app('any'),
        ingress: [{ from: [{ namespaceSelector: {} }] }],
      }),
      policy('a/named', {
        podSelector: app('named'),
        ingress: [
          {
            from: [
              { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'early' } } },
            ],
          },
        ],
      }),
      policy('a/not', {
        podSelector: app('not'),
        ingress: [
          {
            from: [
              {
                namespaceSelector: {
                  matchExpressions: [{ key: 'team', operator: 'DoesNotExist' }],
                },
              },
            ],
          },
        ],
      }),
    ],
    flows: [
      ['early/x', 'early/y', 'TCP 1', 'allow'],
      ['a/any', 'early/y', 'TCP 1', 'deny'],
      ['early/x', 'a/any', 'TCP 1', 'allow'],
      ['early/x', 'a/named', 'TCP 1', 'deny'],
      ['early/x', 'a/not', 'TCP 1', 'deny'],
      ['a/any', 'a/not', 'TCP 1', 'allow'],
    ],
  },
  {
    name: 'ipBlock is about addresses, those of pods included',
    objects: [...SHOP, ingressTo('in', [{ ipBlock: { cidr: '10.0.0.0/24' } }])],
    flows: [
      ['shop/web', 'shop/db', 'TCP 1', 'allow'],
      ['10.0.0.77', 'shop/db', 'TCP 1', 'allow'],
      ['ops/web', 'shop/db', 'TCP 1', 'deny'],
      ['10.0.1.0', 'shop/db', 'TCP 1', 'deny'],
      ['9.255.255.255', 'shop/db', 'TCP 1', 'deny'],
    ],
  },
  {
    name: 'except subtracts from its own block only',
    objects: [
      ...SHOP,
      egressTo([
        { ipBlock: { cidr: '192.0.2.0/24', except: ['192.0.2.128/25', '192.0.2.4/32'] } },
        { ipBlock: { cidr: '192.0.2.200/32' } },
      ]),
    ],
    flows: [
      ['shop/web', '192.0.2.1', 'TCP 1', 'allow'],
      ['shop/web', '192.0.2.4', 'TCP 1', 'deny'],
      ['shop/web', '192.0.2.5', 'TCP 1', 'allow'],
      ['shop/web', '192.0.2.127', 'TCP 1', 'allow'],
      ['shop/web', '192.0.2.128', 'TCP 1', 'deny'],
      ['shop/web', '192.0.2.200', 'TCP 1', 'allow'],
      ['shop/web', '192.0.3.0', 'TCP 1', 'deny'],
      ['shop/web', 'shop/api', 'TCP 1', 'deny'],
    ],
  },
  {
    name: 'what except takes from a block, a selector may still allow',
    objects: [
      ...SHOP,
      egressTo([
        { ipBlock: { cidr: '0.0.0.0/0', except: ['10.0.0.0/8'] } },
        { podSelector: app('api') },
      ]),
    ],
    flows: [
      ['shop/web', 'shop/api', 'TCP 1', 'allow'],
      ['shop/web', 'shop/db', 'TCP 1', 'deny'],
      ['shop/web', '192.0.2.1', 'TCP 1', 'allow'],
    ],
  },
  {
    name: 'host bits and leading zeros of a block are read as API servers before 1.36 read them',
    objects: [
      ...SHOP,
      egressTo([{ ipBlock: { cidr: '192.0.2.77/24' } }, { ipBlock: { cidr: '010.000.001.0/24' } }]),
    ],
    flows: [
      ['shop/web', '192.0.2.1', 'TCP 1', 'allow'],
      ['shop/web', 'ops/web', 'TCP 1', 'allow'],
      ['shop/web', '8.0.1.1', 'TCP 1', 'deny'],
    ],
  },
  {
    name: 'blocks of the whole family are everyone of that family, in and outside of the cluster',
    objects: [...SHOP, ingressTo('in', [{ ipBlock: { cidr: '0.0.0.0/0' } }])],
    flows: [
      ['192.0.2.1', 'shop/db', 'ICMP', 'allow'],
      ['255.255.255.255', 'shop/db', 'TCP 1', 'allow'],
      ['0.0.0.0', 'shop/db', 'TCP 1', 'allow'],
      ['ops/web', 'shop/db', 'TCP 1', 'allow'],
    ],
  },
  {
    name: 'a block of one family says nothing of the other, isolation covers both',
    objects: [
      namespace('a'),
      pod('a/x', { labels: { app: 'x' }, ips: ['10.0.0.1', 'fd00::1'] }),
      pod('a/y', { labels: { app: 'y' }, ips: ['10.0.0.2', 'fd00::2'] }),
      policy('a/four', {
        podSelector: app('x'),
        ingress: [{ from: [{ ipBlock: { cidr: '0.0.0.0/0' } }] }],
      }),
      policy('a/six', {
        podSelector: app('y'),
        ingress: [{ from: [{ ipBlock: { cidr: 'fd00::/16' } }] }],
      }),
    ],
    flows: [
      ['10.0.0.2', '10.0.0.1', 'TCP 1', 'allow'],
      ['fd00::2', 'fd00::1', 'TCP 1', 'deny'],
      ['a/y', 'a/x', 'TCP 1', 'depends'],
      ['10.0.0.1', '10.0.0.2', 'TCP 1', 'deny'],
      ['fd00::1', 'fd00::2', 'TCP 1', 'allow'],
      ['2001:db8::1', 'fd00::2', 'TCP 1', 'deny'],
    ],
  },
  {
    name: 'selectors cover both addresses of a pod',
    objects: [
      namespace('a'),
      pod('a/x', { labels: { app: 'x' }, ips: ['10.0.0.1', 'fd00::1'] }),
      pod('a/y', { labels: { app: 'y' }, ips: ['10.0.0.2', 'fd00::2'] }),
      policy('a/in', { ingress: [{ from: [{ podSelector: app('x') }] }] }),
    ],
    flows: [
      ['a/x', 'a/y', 'TCP 1', 'allow'],
      ['10.0.0.1', '10.0.0.2', 'TCP 1', 'allow'],
      ['fd00::1', 'fd00::2', 'ICMP', 'allow'],
      ['a/y', 'a/x', 'TCP 1', 'deny'],
      ['fd00::9', 'fd00::2', 'TCP 1', 'deny'],
    ],
  },
  {
    name: 'egress peers are the destinations',
    objects: [
      ...SHOP,
      egressTo([
        { namespaceSelector: { matchLabels: { team: 'ops' } }, podSelector: app('probe') },
      ]),
    ],
    flows: [
      ['shop/web', 'ops/probe', 'TCP 1', 'allow'],
      ['shop/web', 'ops/web', 'TCP 1', 'deny'],
      ['shop/web', 'shop/api', 'TCP 1', 'deny'],
      ['ops/probe', 'shop/web', 'TCP 1', 'allow'],
    ],
  },
]
