import { describe, expect, test } from 'vitest'
import { runCommandLine } from '../../src/cli/command-line.ts'
import { temporaryDirectory } from '../cluster/temporary-directory.ts'

/** Each kind of bad manifest alone: one sentence, exit code 1, and an answer that is closed. */
const POD = `apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
---
apiVersion: v1
kind: Pod
metadata: {name: other, namespace: office}
---
`

function policy(spec: string, name = 'bad'): string {
  return `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: ${name}, namespace: shop}
spec: ${spec}
`
}

async function explain(policies: string, to: string) {
  const directory = temporaryDirectory({ 'a-pods.yaml': POD, 'b.yaml': policies })
  const said = { out: '', err: '' }
  const args = ['explain', '--json', '--manifests', directory, '192.0.2.1', to, '80']
  const code = await runCommandLine(args, {
    out: (text) => (said.out += text),
    err: (text) => (said.err += text.replaceAll(`${directory}/`, '').replaceAll(directory, 'DIR')),
    colour: false,
  })
  const answer: unknown = JSON.parse(said.out)
  return { code, answer, lines: said.err.trimEnd().split('\n') }
}

const WEB = '{matchLabels: {app: web}}'
const LARGE = 'x'.repeat(3 << 20)

test.each([
  [
    'malformed YAML',
    `${policy('{podSelector: {}, ingress: [')}`,
    /^b\.yaml:\d: document 1, NetworkPolicy shop\/bad: malformed YAML: .+/,
  ],
  [
    'an unknown field',
    policy(`{podSelector: ${WEB}, ingres: []}`),
    'b.yaml:4: document 1, NetworkPolicy shop/bad spec.ingres: is not a field of this object; did you mean ingress?',
  ],
  [
    'a port out of range',
    policy(`{podSelector: ${WEB}, ingress: [{ports: [{port: 65536}]}]}`),
    'b.yaml:4: document 1, NetworkPolicy shop/bad spec.ingress[0].ports[0].port: must be a whole number from 1 to 65535, not the number 65536',
  ],
  [
    'a quoted port number',
    policy(`{podSelector: ${WEB}, ingress: [{ports: [{port: "80"}]}]}`),
    'b.yaml:4: document 1, NetworkPolicy shop/bad spec.ingress[0].ports[0].port: must be a number without quotes, or a name with a letter in it: "80"',
  ],
  [
    'an invalid operator in the selector of a peer',
    policy(
      `{podSelector: ${WEB}, ingress: [{from: [{podSelector: {matchExpressions: [{key: a, operator: in}]}}]}]}`,
    ),
    'b.yaml:4: document 1, NetworkPolicy shop/bad spec.ingress[0].from[0].podSelector.matchExpressions[0].operator: must be one of In, NotIn, Exists, DoesNotExist, not "in"',
  ],
  [
    'an except that is its block',
    policy(
      `{podSelector: ${WEB}, ingress: [{from: [{ipBlock: {cidr: 192.0.2.0/24, except: [192.0.2.0/24]}}]}]}`,
    ),
    'b.yaml:4: document 1, NetworkPolicy shop/bad spec.ingress[0].from[0].ipBlock.except[0]: must lie strictly inside 192.0.2.0/24, but is 192.0.2.0/24',
  ],
  [
    'an object over 3 MiB',
    policy(`{podSelector: ${WEB}, ingress: [{}]}`).replace(
      'namespace: shop',
      `namespace: shop, annotations: {a: ${LARGE}}`,
    ),
    'b.yaml:1: document 1, NetworkPolicy shop/bad: is larger than 3 MiB, which the API server does not take; split it',
  ],
])('%s', async (_what, policies, sentence) => {
  const { code, answer, lines } = await explain(policies, 'shop/web')
  const told = typeof sentence === 'string' ? sentence : expect.stringMatching(sentence)
  expect(lines).toEqual([
    told,
    'sluice: DIR has an error, told above. The answer is what holds until it is mended.',
  ])
  expect(code).toBe(1)
  expect(answer).toMatchObject({ verdict: 'deny', ingress: { isolatedBy: ['shop/bad'] } })
  expect((await explain(policies, 'office/other')).answer).toMatchObject({ verdict: 'allow' })
})

describe('two documents of one name', () => {
  const OPEN = policy('{podSelector: {}, ingress: [{}]}')
  const CLOSED = policy('{podSelector: {}, ingress: []}')
  const told = 'NetworkPolicy shop/bad: is declared already at b.yaml:1, which stays'

  test.each([
    ['open', OPEN, CLOSED, 'allow'],
    ['closed', CLOSED, OPEN, 'deny'],
  ])('both places are named, and the first stays: %s', async (_what, first, second, verdict) => {
    const { code, answer, lines } = await explain(`${first}---\n${second}`, 'shop/web')
    expect(lines).toEqual([
      `b.yaml:6: document 2, ${told}; remove one of the two`,
      expect.stringMatching(/^sluice: DIR has an error/),
    ])
    expect({ code, answer }).toMatchObject({ code: 1, answer: { verdict } })
  })
})

test('a selector that cannot be read isolates its whole namespace, and no other', async () => {
  const spec = '{podSelector: {matchExpressions: [{key: app, operator: Like, values: [x]}]}}'
  const { code, answer } = await explain(policy(spec), 'shop/web')
  expect({ code, answer }).toMatchObject({ code: 1, answer: { verdict: 'deny' } })
  expect((await explain(policy(spec), 'office/other')).answer).toMatchObject({ verdict: 'allow' })
})

test('several errors are counted', async () => {
  const spec = '{podSelector: {}, ingress: [{ports: [{port: 0}, {port: -1}]}]}'
  const { lines } = await explain(policy(spec), 'shop/web')
  expect(lines).toHaveLength(3)
  expect(lines.at(-1)).toMatch(/^sluice: DIR has 2 errors, told above\./)
})

test('a warning is told, and is no failure', async () => {
  const { code, lines } = await explain(
    policy(`{podSelector: ${WEB}, ingress: [{from: [{ipBlock: {cidr: 192.0.2.1/24}}]}]}`),
    'shop/web',
  )
  expect({ code, lines }).toEqual({ code: 0, lines: [expect.stringContaining(': warning: ')] })
})
