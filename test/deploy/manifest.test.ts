import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { runCommandLine } from '../../src/cli/command-line.ts'
import { checkApiTypes } from './api-types.ts'
import { type Container, readDaemonSet, readDocuments } from './manifest.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const documents = readDocuments('deploy/sluice.yaml')
const { template, selector, updateStrategy } = readDaemonSet('deploy/sluice.yaml')
const pod = template.spec
const [install] = pod.initContainers
const [agent] = pod.containers
const removal = readDaemonSet('deploy/remove.yaml').template.spec
const [cleanup] = removal.initContainers
const [done] = removal.containers

describe('the types of the Kubernetes API', () => {
  test('hold for every document', () => {
    expect(documents).toHaveLength(4)
    expect(checkApiTypes([...documents, ...readDocuments('deploy/remove.yaml')])).toBe('')
  })

  test.for([
    ['a field of no such name', { kind: 'DaemonSet', spce: {} }, /spce.* does not exist/],
    [
      'one deep inside',
      daemonSetWith({ containers: [{ name: 'a', securityContext: { capabilites: {} } }] }),
      /capabilites.* does not exist/,
    ],
    [
      'another type',
      daemonSetWith({ containers: [], hostNetwork: 'yes' }),
      /'string' is not assignable to type 'boolean/,
    ],
    ['one that is missing', { kind: 'ClusterRoleBinding' }, /roleRef.* is missing/],
  ] as const)('find %s', ([, object, problem]) => {
    expect(checkApiTypes([object])).toMatch(problem)
  })
})

function daemonSetWith(spec: unknown): unknown {
  return { kind: 'DaemonSet', spec: { selector: {}, template: { spec } } }
}

describe('access to the API', () => {
  test('reads what policy is made of, and nothing else', () => {
    const verbs = ['get', 'list', 'watch']
    expect(documents.filter((one) => kindOf(one) === 'ClusterRole')).toEqual([
      expect.objectContaining({
        rules: [
          { apiGroups: [''], resources: ['namespaces', 'nodes', 'pods'], verbs },
          { apiGroups: ['networking.k8s.io'], resources: ['networkpolicies'], verbs },
        ],
      }),
    ])
  })

  test('is given to the account that the pods run as', () => {
    expect(documents).toContainEqual(
      expect.objectContaining({
        kind: 'ClusterRoleBinding',
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'sluice' },
        subjects: [
          { kind: 'ServiceAccount', name: pod['serviceAccountName'], namespace: 'kube-system' },
        ],
      }),
    )
    expect(documents).toContainEqual(
      expect.objectContaining({
        kind: 'ServiceAccount',
        metadata: expect.objectContaining({ name: 'sluice', namespace: 'kube-system' }),
      }),
    )
  })
})

describe('the DaemonSet', () => {
  test('selects its own pods', () => {
    expect(template.metadata.labels).toMatchObject(selector.matchLabels)
  })

  test('runs on every node, before everything else, one agent a node', () => {
    expect(pod).toMatchObject({
      hostNetwork: true,
      priorityClassName: 'system-node-critical',
      tolerations: [{ operator: 'Exists' }],
      nodeSelector: { 'kubernetes.io/os': 'linux' },
    })
    expect(updateStrategy).toEqual({
      type: 'RollingUpdate',
      rollingUpdate: { maxUnavailable: '10%', maxSurge: 0 },
    })
  })

  test('has no namespace of the node but the network’s', () => {
    expect(pod).not.toHaveProperty('hostPID')
    expect(pod).not.toHaveProperty('hostIPC')
  })

  test.for([install, agent, cleanup, done])('$name is confined', ({ securityContext }) => {
    expect(securityContext).toMatchObject({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
    })
    expect(securityContext).not.toHaveProperty('privileged')
    expect(securityContext.capabilities.drop).toEqual(['ALL'])
    for (const { securityContext: ofPod } of [pod, removal]) {
      expect(ofPod).toMatchObject({ seccompProfile: { type: 'RuntimeDefault' } })
    }
  })

  test('capabilities: two for the agent, which test/kernel/deploy-privileges.test.ts shows to need both', () => {
    expect(install.securityContext.capabilities.add).toEqual([])
    expect(agent.securityContext.capabilities.add).toEqual(['NET_ADMIN', 'SYS_ADMIN'])
    expect(cleanup.securityContext.capabilities.add).toEqual(['NET_ADMIN'])
    expect(done.securityContext.capabilities.add).toEqual([])
  })

  test('mounts these directories of the node, and may write these', () => {
    expect(mounts(install)).toEqual(['/opt/cni/bin at /host/opt/cni/bin, writable'])
    expect(mounts(agent)).toEqual([
      '/run/sluice at /run/sluice, writable',
      '/etc/cni/net.d at /host/etc/cni/net.d, writable',
      '/run/netns at /run/netns, HostToContainer',
      '/proc/sys/net at /host/proc/sys/net, writable',
    ])
    expect(pod.volumes).toHaveLength(5)
  })

  test('names an image of this version', () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
    const images = new Set([install, agent, cleanup, done].map(({ image }) => image))
    expect([...images]).toEqual([`localhost/sluice:${version}`])
  })

  test.for([install, agent, cleanup])(
    'gives $name only options that it knows',
    async ({ args }) => {
      const [command = '', ...flags] = args
      let help = ''
      const code = await runCommandLine([command, '--help'], {
        out: (text) => (help += text),
        err: () => {},
        colour: false,
      })
      expect(code).toBe(0)
      for (const flag of flags)
        expect(help).toMatch(new RegExp(`^ +${flag.split('=')[0]}[ ,]`, 'm'))
    },
  )
})

test.for(['iptables', 'nftables'])('the kind cluster for kube-proxy in %s mode', (mode) => {
  expect(readDocuments(`deploy/kind/${mode}.yaml`)).toEqual([
    expect.objectContaining({
      kind: 'Cluster',
      apiVersion: 'kind.x-k8s.io/v1alpha4',
      networking: { disableDefaultCNI: true, kubeProxyMode: mode, ipFamily: 'dual' },
    }),
  ])
})

test('k3s without its own network plugin and its own policy', () => {
  expect(readDocuments('deploy/k3s/config.yaml')).toEqual([
    { 'flannel-backend': 'none', 'disable-network-policy': true },
  ])
})

function kindOf(document: unknown): unknown {
  return typeof document === 'object' && document !== null && 'kind' in document && document.kind
}

function mounts({ volumeMounts }: Container): string[] {
  return volumeMounts.map(({ name, mountPath, mountPropagation, readOnly }) => {
    const volume = pod.volumes.find((one) => one.name === name)
    const how = [mountPropagation, readOnly ? undefined : 'writable'].filter(Boolean).join(', ')
    return `${volume?.hostPath.path} at ${mountPath}, ${how}`
  })
}
