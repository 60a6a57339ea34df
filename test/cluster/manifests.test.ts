import * as fs from 'node:fs/promises'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseManifestFiles, readManifestFiles } from '../../src/cluster/files.ts'
import { clusterOfManifests, readManifests } from '../../src/cluster/manifests.ts'
import type { Manifests } from '../../src/cluster/manifests.ts'
import { problemText } from '../../src/cluster/problem.ts'
import { withPlace } from '../../src/cluster/rule-place.ts'
import { temporaryDirectory } from './temporary-directory.ts'

async function read(
  files: Readonly<Record<string, string | Uint8Array>>,
  options: { nodes?: readonly string[]; previous?: Manifests } = {},
) {
  const directory = temporaryDirectory(files)
  const manifests = readManifests(await readManifestFiles(directory, fs), {
    nodes: options.nodes ?? [],
    previous: options.previous,
  })
  // Messages with the directory's own name would differ from run to run.
  const told = (text: string) => text.replaceAll(`${directory}/`, '')
  return {
    manifests,
    cluster: clusterOfManifests(manifests),
    problems: manifests.problems.map((problem) => told(problemText(problem))),
    skipped: manifests.skipped.map(told),
    directory,
  }
}

/** A policy of namespace shop with this spec, in lines that can be counted: the spec begins at line 4. */
function policy(name: string, spec: string): string {
  return `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: ${name}, namespace: shop}
spec:
${spec.replace(/^/gm, '  ')}
`
}

function pod(name: string, labels = '{}'): string {
  return `apiVersion: v1
kind: Pod
metadata: {name: ${name}, namespace: shop, labels: ${labels}}
`
}

const GOOD = policy('good', 'podSelector: {}\ningress: [{}]')
const closed = { ingress: [], egress: [] }

describe('bad input is told in one sentence, closes what it names, and leaves the rest', () => {
  test.each([
    [
      'malformed YAML',
      'podSelector: {}\ningress: [{from: [}]',
      /^a\.yaml:6: document 1, NetworkPolicy shop\/bad: malformed YAML: /,
    ],
    [
      'a tab',
      'podSelector: {}\n\tingress: []',
      'a.yaml:6: document 1, NetworkPolicy shop/bad: malformed YAML: Tabs are not allowed as indentation',
    ],
    [
      'a key twice',
      'podSelector: {}\ningress: []\ningress: [{}]',
      'a.yaml:7: document 1, NetworkPolicy shop/bad: the key "ingress" is there twice; keep one',
    ],
    [
      'an unknown field',
      'podSelector: {}\ningres: []',
      'a.yaml:6: document 1, NetworkPolicy shop/bad spec.ingres: is not a field of this object; did you mean ingress?',
    ],
    [
      'a port out of range',
      'podSelector: {}\ningress:\n- ports:\n  - port: 65536',
      'a.yaml:8: document 1, NetworkPolicy shop/bad spec.ingress[0].ports[0].port: must be a whole number from 1 to 65535, not the number 65536',
    ],
    [
      'a quoted port number',
      'podSelector: {}\ningress:\n- ports:\n  - port: "80"',
      'a.yaml:8: document 1, NetworkPolicy shop/bad spec.ingress[0].ports[0].port: must be a number without quotes, or a name with a letter in it: "80"',
    ],
    [
      'an invalid operator',
      'podSelector:\n  matchExpressions:\n  - {key: a, operator: Is, values: [b]}',
      /^a\.yaml:7: document 1, NetworkPolicy shop\/bad spec\.podSelector\.matchExpressions\[0\]\.operator: must be one of In, NotIn, Exists, DoesNotExist, not "Is"$/,
    ],
    [
      'an except that is not inside',
      'podSelector: {}\ningress:\n- from:\n  - ipBlock:\n      cidr: 10.0.0.0/8\n      except: [10.0.0.0/8]',
      /^a\.yaml:10: document 1, NetworkPolicy shop\/bad spec\.ingress\[0\]\.from\[0\]\.ipBlock\.except\[0\]: /,
    ],
    [
      'a label that YAML reads as a boolean',
      'podSelector: {matchLabels: {app: yes}}',
      'a.yaml:5: document 1, NetworkPolicy shop/bad spec.podSelector.matchLabels.app: must be a string, not the boolean true: put it in quotes',
    ],
  ])('%s', async (_, spec, message) => {
    const { problems, cluster } = await read({
      'a.yaml': `${policy('bad', spec)}---\n${GOOD}`,
      'b.yaml': policy('other', 'podSelector: {}'),
    })
    expect(problems).toEqual([
      typeof message === 'string' ? message : expect.stringMatching(message),
    ])
    expect(cluster.policies.get('shop/bad')).toMatchObject({
      ...closed,
      invalid: expect.any(String),
    })
    expect(cluster.policies.get('shop/good')?.invalid).toBeUndefined()
    expect(cluster.policies.get('shop/other')?.invalid).toBeUndefined()
  })

  test('an object over 3 MiB', async () => {
    const spec = `podSelector: {matchLabels: {app: web}}\ningress: [] # ${' '.repeat(10)}`
    const large = policy('bad', spec).replace(
      'metadata: {',
      `metadata: {annotations: {a: ${'x'.repeat(3 * 1024 * 1024)}}, `,
    )
    const { problems, cluster } = await read({ 'a.yaml': `${large}---\n${GOOD}` })
    expect(problems).toEqual([
      'a.yaml:1: document 1, NetworkPolicy shop/bad: is larger than 3 MiB, which the API server does not take; split it',
    ])
    expect(cluster.policies.get('shop/bad')).toMatchObject({
      ...closed,
      podSelector: { requirements: [{ key: 'app' }] },
    })
    expect(cluster.policies.has('shop/good')).toBe(true)
  })

  test('two documents of one name: the first read stays', async () => {
    const { problems, cluster } = await read({
      'a.yaml': GOOD,
      'b.yaml': `${pod('web')}---\n${policy('good', 'podSelector: {}\negress: []')}`,
    })
    expect(problems).toEqual([
      expect.stringMatching(
        /^b\.yaml:5: document 2, NetworkPolicy shop\/good: is declared already at .*a\.yaml:1, which stays; remove one of the two$/,
      ),
    ])
    expect(cluster.policies.get('shop/good')?.ingress).toHaveLength(1)
  })

  test.each([
    ['another version of the group', policy('good', '{}').replace('/v1', '/v1beta1'), 1],
    ['another namespace', GOOD.replace('shop', 'other'), 0],
    ['another group', GOOD.replace('networking.k8s.io', 'crd.projectcalico.org'), 0],
    ['another kind', pod('good'), 0],
  ])('the same name in %s', async (_, second, duplicates) => {
    const { problems } = await read({ 'a.yaml': GOOD, 'b.yaml': second })
    expect(problems.filter((problem) => problem.includes('is declared already'))).toHaveLength(
      duplicates,
    )
  })

  test('what is no object, no UTF-8, or nothing at all', async () => {
    const { problems } = await read({
      'a.yaml': 'just text',
      'b.yaml': new Uint8Array([0x61, 0xff]),
      'c.yaml': '',
      'd.yaml': '# nothing\n---\n',
      'e.yaml': 'kind: Pod',
    })
    expect(problems).toEqual([
      'b.yaml: the file is not UTF-8 text',
      'a.yaml:1: document 1: must be a Kubernetes object, not "just text"',
      'e.yaml:1: document 1, Pod apiVersion: is missing',
    ])
  })

  test('a malformed policy that does not say which it is closes nothing', async () => {
    const { problems, cluster } = await read({ 'a.yaml': 'kind: NetworkPolicy\nspec: [\n' })
    expect(problems).toHaveLength(1)
    expect(cluster.policies.size).toBe(0)
  })

  test('a policy of a kind that is not supported yet is never ignored', async () => {
    const text =
      'apiVersion: policy.networking.k8s.io/v1alpha2\nkind: ClusterNetworkPolicy\nmetadata: {name: x}'
    const { problems } = await read({ 'a.yaml': text })
    expect(problems).toEqual([expect.stringMatching(/ClusterNetworkPolicy.* not supported yet/)])
  })

  test('the policies of others are skipped, with a line', async () => {
    const { problems, skipped, cluster } = await read({
      'a.yaml': GOOD.replace('networking.k8s.io', 'crd.projectcalico.org'),
      'b.yaml': 'apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: shop}',
    })
    expect({ problems, policies: cluster.policies.size }).toEqual({ problems: [], policies: 0 })
    expect(skipped).toEqual([
      'a.yaml:1: NetworkPolicy shop/good is skipped: it is a NetworkPolicy of crd.projectcalico.org/v1, which is not that of networking.k8s.io/v1',
      'b.yaml:1: Service shop/web is skipped: Sluice has no use for this kind',
    ])
  })

  test('an address block that newer API servers refuse is a warning', async () => {
    const { problems, cluster } = await read({
      'a.yaml': policy(
        'good',
        'podSelector: {}\ningress:\n- from:\n  - ipBlock: {cidr: 10.0.0.1/8}',
      ),
    })
    expect(problems).toEqual([
      expect.stringMatching(
        /^a\.yaml:8: document 1, NetworkPolicy shop\/good spec\.ingress\[0\]\.from\[0\]\.ipBlock\.cidr: warning: /,
      ),
    ])
    expect(cluster.policies.get('shop/good')?.invalid).toBeUndefined()
  })
})

describe('lists', () => {
  test('each item is an object, with its own line', async () => {
    const item = (name: string) => `- ${policy(name, '{}').trim().replaceAll('\n', '\n  ')}`
    const { cluster, manifests } = await read({
      'a.yaml': `apiVersion: v1\nkind: List\nitems:\n${item('one')}\n${item('two')}\n`,
    })
    expect([...cluster.policies.keys()]).toEqual(['shop/one', 'shop/two'])
    const rule = { policy: 'shop/two', path: 'spec' } as const
    expect(withPlace(rule, manifests)).toMatchObject({ line: 12 })
  })

  test('items of a typed list need not say what they are', async () => {
    const { cluster, problems } = await read({
      'a.json': JSON.stringify({
        apiVersion: 'networking.k8s.io/v1',
        kind: 'NetworkPolicyList',
        items: [{ metadata: { name: 'one', namespace: 'shop' }, spec: { podSelector: {} } }],
      }),
    })
    expect(problems).toEqual([])
    expect([...cluster.policies.keys()]).toEqual(['shop/one'])
  })

  test('the limit of 3 MiB is that of an object, not of the list', async () => {
    const items = ['one', 'two', 'three', 'four'].map((name) => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, annotations: { a: 'x'.repeat(1024 * 1024) } },
    }))
    const { problems, cluster } = await read({
      'a.json': JSON.stringify({ apiVersion: 'v1', kind: 'List', items }),
    })
    expect(problems).toEqual([])
    expect(cluster.pods.size).toBe(4)
  })
})

describe('namespaces', () => {
  test('one that is used but not declared has its name as the only label', async () => {
    const { cluster } = await read({ 'a.yaml': GOOD })
    expect([...cluster.namespaces.values()]).toEqual([
      { name: 'shop', labels: new Map([['kubernetes.io/metadata.name', 'shop']]) },
    ])
  })

  test('an invalid one as well', async () => {
    const { cluster, problems } = await read({
      'a.yaml': 'apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {team: -x-}}',
    })
    expect(problems).toHaveLength(1)
    expect(cluster.namespaces.get('shop')?.labels).toEqual(
      new Map([['kubernetes.io/metadata.name', 'shop']]),
    )
  })
})

describe('workloads', () => {
  const deployment = (replicas: unknown, labels: string) => `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: ${JSON.stringify(replicas)}
  template:
    metadata: {labels: ${labels}}
    spec: {containers: [{name: c, ports: [{name: http, containerPort: 80}]}]}
`

  test('stand for their pods', async () => {
    const { cluster, manifests } = await read({ 'a.yaml': deployment(2, '{app: web}') })
    expect([...cluster.pods.keys()]).toEqual(['shop/web-0', 'shop/web-1'])
    expect(cluster.pods.get('shop/web-1')).toMatchObject({
      labels: new Map([['app', 'web']]),
      namedPorts: [{ name: 'http', port: 80 }],
    })
    expect(manifests.pods.map(({ value }) => value['kind'])).toEqual(['Pod', 'Pod'])
  })

  test('tell what is wrong with the template once, by its place in the workload', async () => {
    const { problems } = await read({ 'a.yaml': deployment(5, '{app: yes}') })
    expect(problems).toEqual([
      'a.yaml:7: document 1, Deployment shop/web spec.template.metadata.labels.app: must be a string, not the boolean true: put it in quotes',
    ])
  })

  test('tell a number of pods that is none', async () => {
    const { problems } = await read({ 'a.yaml': deployment('2', '{}') })
    expect(problems).toEqual([
      'a.yaml:5: document 1, Deployment shop/web spec.replicas: must be a whole number from 0 to 10000, not "2"',
    ])
  })

  test('may not make a pod that is there already', async () => {
    const { problems, manifests } = await read({
      'a.yaml': pod('web-1', '{app: db}'),
      'b.yaml': deployment(2, '{app: web}'),
    })
    expect(problems).toEqual([
      expect.stringMatching(
        /^b\.yaml:1: document 1, Pod shop\/web-1: is declared already at .*a\.yaml:1/,
      ),
    ])
    expect(manifests.pods.map(({ pod: { name, labels } }) => [name, labels.get('app')])).toEqual([
      ['web-1', 'db'],
      ['web-0', 'web'],
    ])
  })

  test('a DaemonSet is on every node', async () => {
    const text = deployment(1, '{}').replace('Deployment', 'DaemonSet')
    const { cluster } = await read({ 'a.yaml': text }, { nodes: ['n1', 'n2'] })
    expect([...cluster.pods.values()].map(({ name, node }) => [name, node])).toEqual([
      ['web-0', 'n1'],
      ['web-1', 'n2'],
    ])
  })
})

describe('a directory that is read again', () => {
  async function reread(before: Record<string, string>, after: Record<string, string>) {
    const directory = temporaryDirectory(before)
    const first = readManifests(await readManifestFiles(directory, fs), { nodes: [] })
    for (const name of Object.keys(before)) await fs.rm(`${directory}/${name}`)
    for (const [name, text] of Object.entries(after))
      await fs.writeFile(`${directory}/${name}`, text)
    return clusterOfManifests(
      readManifests(await readManifestFiles(directory, fs), { nodes: [], previous: first }),
    )
  }

  test('keeps the objects of a file that cannot be read now, where nobody can tell which are meant', async () => {
    const cluster = await reread({ 'a.yaml': `${GOOD}---\n${pod('web')}` }, { 'a.yaml': '}}}' })
    expect([...cluster.policies.keys(), ...cluster.pods.keys()]).toEqual(['shop/good', 'shop/web'])
  })

  test('drops those of a file that is gone, and those of a whole file that no longer has them', async () => {
    const files = { 'a.yaml': GOOD, 'b.yaml': policy('other', '{}') }
    const cluster = await reread(files, { 'b.yaml': pod('web') })
    expect([...cluster.policies.keys()]).toEqual([])
  })
})

test('whatever an object holds, it makes no more than problems', async () => {
  const { stringify } = await import('yaml')
  const object = fc.dictionary(WORD, TREE, { maxKeys: 5 })
  await fc.assert(
    fc.asyncProperty(fc.array(object, { minLength: 1, maxLength: 4 }), async (objects) => {
      const bytes = Buffer.from(objects.map((one) => stringify(one)).join('---\n'))
      const file = { path: 'a.yaml', content: { kind: 'bytes', bytes } } as const
      const files = await parseManifestFiles({ files: [file], revision: '' })
      clusterOfManifests(readManifests(files, { nodes: ['n1'] }))
      expect(files.documents.length + files.problems.length).toBeGreaterThan(0)
    }),
    { numRuns: 200 },
  )
})

const KEYS =
  'apiVersion kind metadata spec template items replicas name labels podSelector ingress from ports __proto__'
const VALUES =
  'v1 List Pod Deployment apps/v1 NetworkPolicy Namespace networking.k8s.io/v1 x/y/z batch/v1 CronJob'
const WORD = fc.constantFrom(...KEYS.split(' '))
const LEAF = fc.constantFrom(...VALUES.split(' '), '', null, true, -1, 1e9, 0.5)
const TREE = fc.letrec<{ tree: unknown }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 5 },
    LEAF,
    fc.array(tie('tree'), { maxLength: 3 }),
    fc.dictionary(WORD, tie('tree'), { maxKeys: 5 }),
  ),
})).tree
