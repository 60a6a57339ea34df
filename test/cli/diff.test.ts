import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compareClusters, type PairChange } from '../../src/cli/diff/compare.ts'
import { evaluate } from '../../src/policy/evaluate.ts'
import { temporaryDirectory } from '../cluster/temporary-directory.ts'
import type { Cluster } from '../../src/policy/cluster.ts'
import type { Flow } from '../../src/policy/flow.ts'
import { cluster, PORTS } from '../policy/arbitraries.ts'
import { check } from '../policy/property.ts'
import { sluice } from './sluice.ts'

test('the steps of the demo: what is closed, and what each rule opens again', async () => {
  const { code, out } = await sluice(
    'diff',
    '--before',
    'demo/2-default-deny',
    '--after',
    'demo/3-rules',
  )
  expect(code).toBe(0)
  expect(out.split('\n')).toEqual(
    expect.arrayContaining([
      '+ shop/api-0 … api-1 → shop/db-0  5432/TCP  (deny becomes allow)',
      '+ monitoring/prometheus → shop/db-0  9100–9110/TCP  (deny becomes allow)',
      '+ shop/db-0 → kube-system/dns  53/TCP, 53/UDP  (deny becomes allow)',
      '+ 203.0.113.0/26, 203.0.113.128/25 → shop/web-0 … web-1  8080/TCP  (deny becomes allow)',
    ]),
  )
  expect(out).not.toContain('outsider → shop/db-0')
})

test('nothing changes where nothing that policy sees does', async () => {
  const { code, out } = await sluice('diff', '--before', 'demo/1-open', '--after', 'demo/1-open')
  expect({ code, out }).toEqual({ code: 0, out: 'No pair gains or loses anything.\n' })
})

test('pods of one side only are named, not compared; --exit-code fails on a difference', async () => {
  const [before, after] = [temporaryDirectory({}), temporaryDirectory({})]
  const pods = (...names: string[]) =>
    names.map((name) => `---\n{apiVersion: v1, kind: Pod, metadata: {name: ${name}}}\n`).join('')
  const policy =
    '---\n{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: deny}, spec: {podSelector: {}}}\n'
  writeFileSync(join(before, 'all.yaml'), pods('a', 'b', 'old'))
  writeFileSync(join(after, 'all.yaml'), pods('a', 'b', 'new') + policy)
  const difference = await sluice('diff', '--before', before, '--after', after, '--exit-code')
  expect(difference.code).toBe(1)
  expect(difference.out.split('\n')).toEqual([
    'Not compared, there only before: default/old',
    'Not compared, there only after: default/new',
    '- default/a … b → default/a … b  everything  (allow becomes deny)',
    '- every other IPv4 address → default/a … b  everything  (allow becomes deny)',
    '- every other IPv6 address → default/a … b  everything  (allow becomes deny)',
    '',
  ])
  const asJson = await sluice('diff', '--before', before, '--after', after, '--json')
  expect(JSON.parse(asJson.out)).toMatchObject({
    changes: [
      {
        from: 'default/a … b',
        to: 'default/a … b',
        before: 'allow',
        after: 'deny',
        services: [
          { protocol: 'TCP', port: 1, endPort: 65535 },
          { protocol: 'UDP', port: 1, endPort: 65535 },
          { protocol: 'SCTP', port: 1, endPort: 65535 },
          { protocol: 'ICMP' },
        ],
      },
      {},
      {},
    ],
    podsOnlyBefore: ['default/old'],
    podsOnlyAfter: ['default/new'],
  })
})

test('what any two pods gain or lose on any port is told, however ends and ports are grouped', () => {
  check(
    'diff',
    100,
    fc.property(cluster, cluster, (before, other) => {
      // Pods that stay, under other policies and namespaces.
      const after = { ...other, pods: before.pods, nodes: before.nodes }
      const changes = compareClusters(before, after)
      for (const flow of flowsBetween(before)) {
        const [was, is] = [evaluate(before, flow).verdict, evaluate(after, flow).verdict]
        if (was === is) continue
        const told = changes.some(
          (change) => change.before === was && change.after === is && covers(change, flow),
        )
        expect({ flow, told }).toEqual({ flow, told: true })
      }
    }),
  )
})

function flowsBetween({ pods }: Cluster): Flow[] {
  const keys = [...pods.keys()]
  return keys.flatMap((from) =>
    keys.flatMap((to) =>
      PORTS.map((port) => ({
        from: { kind: 'pod', key: from },
        to: { kind: 'pod', key: to },
        protocol: 'TCP',
        port,
      })),
    ),
  )
}

function covers({ services }: PairChange, { protocol, port = 0 }: Flow): boolean {
  return services.some(
    (range) => range.protocol === protocol && range.first <= port && port <= range.last,
  )
}
