import type { Case } from '../cases.ts'
import { SHOP, app, namespace, pod, policy } from './objects.ts'

function ingress(ports: unknown): unknown {
  return policy('shop/in', { podSelector: app('api'), ingress: [{ ports }] })
}

function egress(ports: unknown, to?: unknown): unknown {
  return policy('shop/out', {
    podSelector: app('web'),
    policyTypes: ['Egress'],
    egress: [{ ports, to }],
  })
}

/** What `ports` names. */
export const portCases: readonly Case[] = [
  {
    name: 'an absent or empty list of ports is every protocol, ICMP included',
    objects: [
      ...SHOP,
      policy('shop/absent', {
        podSelector: app('api'),
        ingress: [{ from: [{ podSelector: app('web') }] }],
      }),
      policy('shop/empty', { podSelector: app('db'), ingress: [{ ports: [] }] }),
    ],
    flows: [
      ['shop/web', 'shop/api', 'SCTP 9', 'allow'],
      ['shop/web', 'shop/api', 'ICMP', 'allow'],
      ['ops/web', 'shop/api', 'ICMP', 'deny'],
      ['ops/web', 'shop/db', 'ICMP', 'allow'],
    ],
  },
  {
    name: 'an empty item is all of TCP; one with only a protocol all of that',
    objects: [
      ...SHOP,
      ingress([{}]),
      policy('shop/db', { podSelector: app('db'), ingress: [{ ports: [{ protocol: 'SCTP' }] }] }),
    ],
    flows: [
      ['shop/web', 'shop/api', 'TCP 1', 'allow'],
      ['shop/web', 'shop/api', 'TCP 65535', 'allow'],
      ['shop/web', 'shop/api', 'UDP 1', 'deny'],
      ['shop/web', 'shop/api', 'ICMP', 'deny'],
      ['shop/web', 'shop/db', 'SCTP 7', 'allow'],
      ['shop/web', 'shop/db', 'TCP 7', 'deny'],
    ],
  },
  {
    name: 'protocol absent is TCP; a port is of its protocol only',
    objects: [...SHOP, ingress([{ port: 80 }, { port: 53, protocol: 'UDP' }])],
    flows: [
      ['shop/web', 'shop/api', 'TCP 80', 'allow'],
      ['shop/web', 'shop/api', 'UDP 80', 'deny'],
      ['shop/web', 'shop/api', 'SCTP 80', 'deny'],
      ['shop/web', 'shop/api', 'UDP 53', 'allow'],
      ['shop/web', 'shop/api', 'TCP 53', 'deny'],
      ['shop/web', 'shop/api', 'ICMP', 'deny'],
    ],
  },
  {
    name: 'endPort makes a range with both ends in it',
    objects: [
      ...SHOP,
      ingress([
        { port: 100, endPort: 200 },
        { port: 65535, endPort: 65535 },
      ]),
    ],
    flows: [
      ['shop/web', 'shop/api', 'TCP 99', 'deny'],
      ['shop/web', 'shop/api', 'TCP 100', 'allow'],
      ['shop/web', 'shop/api', 'TCP 200', 'allow'],
      ['shop/web', 'shop/api', 'TCP 201', 'deny'],
      ['shop/web', 'shop/api', 'TCP 65535', 'allow'],
      ['shop/web', 'shop/api', 'UDP 150', 'deny'],
    ],
  },
  {
    name: 'ranges that overlap or touch are their union',
    objects: [
      ...SHOP,
      ingress([
        { port: 10, endPort: 20 },
        { port: 15, endPort: 30 },
        { port: 31 },
        { port: 1, endPort: 1 },
      ]),
    ],
    flows: [
      ['shop/web', 'shop/api', 'TCP 9', 'deny'],
      ['shop/web', 'shop/api', 'TCP 12', 'allow'],
      ['shop/web', 'shop/api', 'TCP 21', 'allow'],
      ['shop/web', 'shop/api', 'TCP 31', 'allow'],
      ['shop/web', 'shop/api', 'TCP 32', 'deny'],
      ['shop/web', 'shop/api', 'TCP 1', 'allow'],
    ],
  },
  {
    name: 'a name of an ingress rule is the port that the selected pod calls so',
    objects: [
      ...SHOP,
      policy('shop/in', { ingress: [{ ports: [{ port: 'http' }, { port: 'dns' }] }] }),
    ],
    flows: [
      ['ops/web', 'shop/web', 'TCP 8080', 'allow'],
      ['ops/web', 'shop/web', 'TCP 80', 'deny'],
      ['ops/web', 'shop/api', 'TCP 80', 'allow'],
      ['ops/web', 'shop/api', 'TCP 8080', 'deny'],
      // `dns` is UDP there, and the rule names it as TCP.
      ['ops/web', 'shop/api', 'UDP 53', 'deny'],
      ['ops/web', 'shop/api', 'TCP 53', 'deny'],
      ['ops/web', 'shop/db', 'TCP 80', 'deny'],
    ],
  },
  {
    name: 'a name means every port of that name and protocol, of containers and of sidecars',
    objects: [
      namespace('a'),
      pod('a/many', {
        ips: ['10.0.0.1'],
        spec: {
          containers: [
            { name: 'one', ports: [{ name: 'web', containerPort: 80 }] },
            { name: 'two', ports: [{ name: 'web', containerPort: 81 }] },
            { name: 'three', ports: [{ name: 'web', containerPort: 82, protocol: 'UDP' }] },
          ],
          initContainers: [
            {
              name: 'sidecar',
              restartPolicy: 'Always',
              ports: [{ name: 'web', containerPort: 83 }],
            },
            { name: 'once', ports: [{ name: 'web', containerPort: 84 }] },
          ],
        },
      }),
      policy('a/in', { ingress: [{ ports: [{ port: 'web' }] }] }),
    ],
    flows: [
      ['192.0.2.1', 'a/many', 'TCP 80', 'allow'],
      ['192.0.2.1', 'a/many', 'TCP 81', 'allow'],
      ['192.0.2.1', 'a/many', 'TCP 82', 'deny'],
      ['192.0.2.1', 'a/many', 'UDP 82', 'deny'],
      ['192.0.2.1', 'a/many', 'TCP 83', 'allow'],
      ['192.0.2.1', 'a/many', 'TCP 84', 'deny'],
    ],
  },
  {
    name: 'a name of an egress rule is the port that the destination pod calls so',
    objects: [...SHOP, egress([{ port: 'http' }])],
    flows: [
      ['shop/web', 'shop/api', 'TCP 80', 'allow'],
      ['shop/web', 'shop/api', 'TCP 8080', 'deny'],
      ['shop/web', 'shop/db', 'TCP 80', 'deny'],
      ['shop/web', '192.0.2.1', 'TCP 80', 'deny'],
    ],
  },
  {
    name: 'a name of an egress rule holds however the peer matched the pod',
    objects: [...SHOP, egress([{ port: 'http' }], [{ ipBlock: { cidr: '10.0.0.0/8' } }])],
    flows: [
      ['shop/web', 'shop/api', 'TCP 80', 'allow'],
      ['shop/web', 'shop/api', 'TCP 8080', 'deny'],
      ['shop/web', '10.9.9.9', 'TCP 80', 'deny'],
    ],
  },
  {
    name: 'one rule may mean other numbers on every pod',
    objects: [
      namespace('a'),
      pod('a/x', { labels: { app: 'x' }, ips: ['10.0.0.1'] }),
      pod('a/y', { ips: ['10.0.0.2'], ports: [{ name: 'web', containerPort: 1000 }] }),
      pod('a/z', { ips: ['10.0.0.3'], ports: [{ name: 'web', containerPort: 2000 }] }),
      policy('a/out', {
        podSelector: app('x'),
        policyTypes: ['Egress'],
        egress: [{ ports: [{ port: 'web' }] }],
      }),
    ],
    flows: [
      ['a/x', 'a/y', 'TCP 1000', 'allow'],
      ['a/x', 'a/y', 'TCP 2000', 'deny'],
      ['a/x', 'a/z', 'TCP 2000', 'allow'],
      ['a/x', 'a/z', 'TCP 1000', 'deny'],
    ],
  },
]
