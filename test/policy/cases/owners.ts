import type { Case } from '../cases.ts'
import { app, namespace, pod, policy } from './objects.ts'

const CLOSED_X = policy('a/closed', { podSelector: app('x') })

function claimant(name: string, createdAt: string, uid: string): unknown {
  return pod(`a/${name}`, {
    labels: { app: name },
    ips: ['10.0.0.1'],
    metadata: { creationTimestamp: createdAt, uid },
  })
}

/** Whose an address is. */
export const ownerCases: readonly Case[] = [
  {
    name: 'of two claims to one address, the pod created last has it',
    objects: [
      namespace('a'),
      claimant('x', '2026-01-02T00:00:00Z', 'a'),
      claimant('y', '2026-01-01T00:00:00Z', 'b'),
      CLOSED_X,
    ],
    flows: [['192.0.2.1', '10.0.0.1', 'TCP 1', 'deny']],
  },
  {
    name: 'of two created at once, the one with the greater uid',
    objects: [
      namespace('a'),
      claimant('x', '2026-01-01T00:00:00Z', 'a'),
      claimant('y', '2026-01-01T00:00:00Z', 'b'),
      CLOSED_X,
    ],
    flows: [['192.0.2.1', '10.0.0.1', 'TCP 1', 'allow']],
  },
  {
    name: 'a local pod keeps its address against any other claim',
    local: ['a/x'],
    objects: [
      namespace('a'),
      claimant('x', '2026-01-01T00:00:00Z', 'a'),
      claimant('y', '2026-01-02T00:00:00Z', 'b'),
      CLOSED_X,
    ],
    flows: [['192.0.2.1', '10.0.0.1', 'TCP 1', 'deny']],
  },
  {
    name: 'a pod that lost its address has no verdict of its own',
    objects: [
      namespace('a'),
      claimant('x', '2026-01-01T00:00:00Z', 'a'),
      claimant('y', '2026-01-02T00:00:00Z', 'b'),
      pod('a/z', { labels: { app: 'z' }, ips: ['10.0.0.2'] }),
      CLOSED_X,
      policy('a/z', { podSelector: app('z'), ingress: [{ from: [{ podSelector: app('x') }] }] }),
    ],
    flows: [
      ['192.0.2.1', '10.0.0.1', 'TCP 1', 'allow'],
      ['10.0.0.1', 'a/z', 'TCP 1', 'deny'],
    ],
  },
  {
    name: 'finished pods own no address',
    objects: [
      namespace('a'),
      pod('a/x', { labels: { app: 'x' }, ips: ['10.0.0.1'], status: { phase: 'Succeeded' } }),
      pod('a/failed', { labels: { app: 'x' }, ips: ['10.0.0.3'], status: { phase: 'Failed' } }),
      pod('a/y', { labels: { app: 'y' }, ips: ['10.0.0.2'] }),
      CLOSED_X,
      policy('a/y', { podSelector: app('y'), ingress: [{ from: [{ podSelector: app('x') }] }] }),
    ],
    flows: [
      ['192.0.2.1', '10.0.0.1', 'TCP 1', 'allow'],
      ['192.0.2.1', '10.0.0.3', 'TCP 1', 'allow'],
      ['10.0.0.1', 'a/y', 'TCP 1', 'deny'],
    ],
  },
  {
    name: 'terminating pods keep theirs',
    objects: [
      namespace('a'),
      pod('a/x', {
        labels: { app: 'x' },
        ips: ['10.0.0.1'],
        status: { phase: 'Running' },
        metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' },
      }),
      CLOSED_X,
    ],
    flows: [['192.0.2.1', '10.0.0.1', 'TCP 1', 'deny']],
  },
  {
    name: 'hostNetwork pods are neither isolated nor selected: they are their node',
    nodes: { n1: ['172.16.0.1'], n2: ['172.16.0.2'] },
    objects: [
      namespace('a'),
      pod('a/host', {
        labels: { app: 'x' },
        ips: ['172.16.0.1'],
        spec: { hostNetwork: true, nodeName: 'n1' },
      }),
      pod('a/near', { labels: { app: 'y' }, ips: ['10.0.0.1'], spec: { nodeName: 'n1' } }),
      pod('a/far', { labels: { app: 'y' }, ips: ['10.0.1.1'], spec: { nodeName: 'n2' } }),
      CLOSED_X,
      policy('a/y', { podSelector: app('y'), ingress: [{ from: [{ podSelector: app('x') }] }] }),
    ],
    flows: [
      ['a/far', 'a/host', 'TCP 1', 'allow'],
      ['192.0.2.1', '172.16.0.1', 'TCP 1', 'allow'],
      ['a/host', 'a/near', 'TCP 1', 'allow'],
      ['a/host', 'a/far', 'TCP 1', 'deny'],
    ],
  },
  {
    name: 'an address of no pod matches no selector',
    objects: [
      namespace('a'),
      pod('a/x', { labels: { app: 'x' }, ips: ['10.0.0.1'] }),
      policy('a/in', { ingress: [{ from: [{ namespaceSelector: {}, podSelector: {} }] }] }),
    ],
    flows: [['10.0.0.9', 'a/x', 'TCP 1', 'deny']],
  },
  {
    name: 'podIP stands for podIPs where an object has only that',
    objects: [
      namespace('a'),
      pod('a/x', { labels: { app: 'x' }, status: { podIPs: null, podIP: '10.0.0.1' } }),
      CLOSED_X,
    ],
    flows: [['192.0.2.1', '10.0.0.1', 'TCP 1', 'deny']],
  },
]
