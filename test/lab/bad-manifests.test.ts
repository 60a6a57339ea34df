import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import * as v from 'valibot'
import { SLUICE } from '../built-sluice.ts'
import { pod, policy } from './shop-manifests.ts'

/** Every kind of bad manifest at once: each is told in one sentence, closes what it is about, and spoils nothing else. */
const [node, main] = SLUICE
const directory = mkdtempSync(join(tmpdir(), 'sluice-bad-'))
afterAll(() => rmSync(directory, { recursive: true }))

const files = {
  'a-pods.yaml': ['open', 'free', 'quoted', 'range', 'operator', 'except', 'field', 'large']
    .map(pod)
    .join(''),
  'b-policies.yaml': [
    policy(
      'quoted',
      '{podSelector: {matchLabels: {app: quoted}}, ingress: [{ports: [{port: "80"}]}]}',
    ),
    policy(
      'range',
      '{podSelector: {matchLabels: {app: range}}, ingress: [{ports: [{port: 70000}]}]}',
    ),
    policy(
      'operator',
      '{podSelector: {matchLabels: {app: operator}}, ingress: [{from: [{podSelector: {matchExpressions: [{key: a, operator: Is}]}}]}]}',
    ),
    policy(
      'except',
      '{podSelector: {matchLabels: {app: except}}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8, except: [10.0.0.0/8]}}]}]}',
    ),
    policy('field', '{podSelector: {matchLabels: {app: field}}, ingres: []}'),
    policy('field', '{podSelector: {}, ingress: []}'),
  ].join(''),
  'c-malformed.yaml': 'kind: NetworkPolicy\n  metadata: [\n',
  'd-large.yaml': `${policy(
    'large',
    '{podSelector: {matchLabels: {app: large}}, ingress: [{}]}',
  ).replace('namespace: shop}', `namespace: shop, annotations: {a: ${'x'.repeat(3 << 20)}}}`)}`,
}

/** File, line, object, field, and what must be there instead. */
const SENTENCES = [
  /b-policies\.yaml:5: .*NetworkPolicy shop\/quoted spec\.ingress\[0\]\.ports\[0\]\.port: must be a number without quotes/,
  /NetworkPolicy shop\/range spec\.ingress\[0\]\.ports\[0\]\.port: must be .*65535/,
  /NetworkPolicy shop\/operator spec\.ingress\[0\]\.from\[0\]\.podSelector\.matchExpressions\[0\]\.operator: must be .*DoesNotExist/,
  /NetworkPolicy shop\/except spec\.ingress\[0\]\.from\[0\]\.ipBlock\.except\[0\]: must lie strictly inside/,
  /NetworkPolicy shop\/field spec\.ingres: .*ingress/,
  /NetworkPolicy shop\/field: is declared already at .*b-policies\.yaml:\d+, which stays/,
  /c-malformed\.yaml:\d/,
  /NetworkPolicy shop\/large.*3 MiB/,
]

const report = v.object({
  probes: v.array(v.object({ from: v.string(), to: v.string(), actual: v.string() })),
  mismatches: v.number(),
})

test('each is one sentence, its pods are closed, everything else goes on', () => {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text)
  const { status, stdout, stderr } = spawnSync(
    node,
    [main, 'lab', 'run', '--json', '--families=4', '--manifests', directory],
    { encoding: 'utf8', maxBuffer: 64 << 20 },
  )
  for (const sentence of SENTENCES) expect(stderr).toMatch(sentence)
  expect(status).toBe(1)
  const { probes, mismatches } = v.parse(report, JSON.parse(stdout))
  expect(mismatches).toBe(0)
  // What is refused isolates its pods in both directions; the two that nothing names are as before.
  const passed = probes.filter(({ from, to, actual }) => from !== to && actual === 'allow')
  const pairs = passed.map(({ from, to }) => `${from} ${to}`)
  expect(pairs.toSorted()).toEqual(['shop/free shop/open', 'shop/open shop/free'])
})
