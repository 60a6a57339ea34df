import { describe, expect, test } from 'vitest'
import { formatAddress } from '../../../src/policy/address.ts'
import type { Pod } from '../../../src/policy/model.ts'
import { parseObject } from '../../../src/policy/parse.ts'
import { pod as podObject } from '../cases/objects.ts'

type Options = Parameters<typeof podObject>[1]

function parse(options: Options) {
  return parseObject(podObject('shop/web', options), { unknownFields: 'reject' })
}

function valid(options: Options): Pod {
  const parsed = parse(options)
  if (parsed.kind !== 'pod') throw new Error(JSON.stringify(parsed))
  return parsed.pod
}

function problems(options: Options): string[] {
  const parsed = parse(options)
  if (parsed.kind !== 'invalid') throw new Error(`It was read as ${parsed.kind}.`)
  return parsed.problems.map(({ path, message }) => `${path}: ${message}`)
}

test('a pod is what policy needs of it', () => {
  const options = {
    labels: { app: 'web' },
    ips: ['10.0.0.1', 'fd00::1'],
    ports: [
      { name: 'http', containerPort: 80 },
      { containerPort: 81 },
      { name: 'dns', containerPort: 53, protocol: 'UDP', hostPort: 53, hostIP: '1.2.3.4' },
    ],
    spec: { nodeName: 'n1' },
    metadata: { uid: 'u', creationTimestamp: '2026-01-31T12:00:00Z' },
  }
  const parsed = valid({
    ...options,
    spec: { containers: [{ ports: options.ports }], nodeName: 'n1' },
  })
  expect({ ...parsed, addresses: parsed.addresses.map(formatAddress) }).toEqual({
    namespace: 'shop',
    name: 'web',
    uid: 'u',
    labels: new Map([['app', 'web']]),
    addresses: ['10.0.0.1', 'fd00::1'],
    namedPorts: [
      { name: 'http', protocol: 'TCP', port: 80 },
      { name: 'dns', protocol: 'UDP', port: 53 },
    ],
    createdAt: Date.UTC(2026, 0, 31, 12),
    node: 'n1',
    local: false,
  })
})

test.each([
  [
    [
      { kind: 'Node', name: 'n1' },
      { kind: 'Job', name: 'once', controller: true },
    ],
    'Job/once',
  ],
  [[{ kind: 'Node', name: 'n1' }], undefined],
  [[{ kind: 'Job', controller: true }], undefined],
  [[], undefined],
])('owned by %o', (ownerReferences, controller) => {
  expect(valid({ metadata: { ownerReferences } }).controller).toBe(controller)
})

test('a manifest without a status is a pod that has no address yet', () => {
  const document = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'x' },
    spec: { containers: [] },
  }
  const parsed = parseObject(document, { unknownFields: 'reject' })
  expect(parsed).toMatchObject({
    kind: 'pod',
    pod: { addresses: [], node: '', createdAt: 0, uid: '' },
  })
  expect(parsed.kind === 'pod' && 'addressless' in parsed.pod).toBe(false)
})

describe('addresses', () => {
  test.each([
    [{ spec: { hostNetwork: true } }, 'hostNetwork'],
    [{ status: { podIPs: [{ ip: '10.0.0.1' }], phase: 'Succeeded' } }, 'finished'],
    [{ status: { podIPs: [{ ip: '10.0.0.1' }], phase: 'Failed' } }, 'finished'],
  ])('of %j are none: %s', (options, addressless) => {
    expect(valid({ ips: ['10.0.0.1'], ...options })).toMatchObject({ addresses: [], addressless })
  })

  test.each([
    [{ phase: 'Running' }, 1],
    [{ phase: 'Pending' }, 1],
    [{ phase: 'Unknown' }, 1],
  ])('of %j stay', (status, count) => {
    expect(valid({ ips: ['10.0.0.1'], status }).addresses).toHaveLength(count)
  })

  test('podIPs go before podIP, and each counts once', () => {
    const addresses = (status: Record<string, unknown>) =>
      valid({ status }).addresses.map(formatAddress)
    expect(addresses({ podIP: '10.0.0.1', podIPs: [{ ip: '10.0.0.2' }] })).toEqual(['10.0.0.2'])
    expect(addresses({ podIP: '10.0.0.1', podIPs: [] })).toEqual(['10.0.0.1'])
    expect(addresses({ podIP: '', podIPs: [{}] })).toEqual([])
    expect(addresses({ podIPs: [{ ip: 'fd00::1' }, { ip: 'fd00:0::1' }] })).toEqual(['fd00::1'])
  })

  test.each([
    [
      { podIPs: [{ ip: '010.0.0.1' }] },
      'status.podIPs[0].ip: must be an IP address, not "010.0.0.1"',
    ],
    [{ podIPs: ['10.0.0.1'] }, 'status.podIPs[0]: must be an object, not "10.0.0.1"'],
    [
      { podIPs: [], podIP: 7 },
      'status.podIP: must be a string, not the number 7: put it in quotes',
    ],
    [{ phase: 1 }, 'status.phase: must be a string, not the number 1: put it in quotes'],
  ])('status %j is refused', (status, problem) => {
    expect(problems({ status })).toEqual([problem])
  })
})

describe('ports', () => {
  const PORTS = 'spec.containers[0].ports'
  const inContainer = (port: unknown) => ({ ports: [port] })

  test.each([
    [
      { name: 'http', containerPort: 0 },
      '[0].containerPort: must be a whole number from 1 to 65535, not the number 0',
    ],
    [{ name: 'http' }, '[0].containerPort: is missing: give it a whole number from 1 to 65535'],
    [
      { name: '80', containerPort: 80 },
      '[0].name: must be a number without quotes, or a name with a letter in it: "80"',
    ],
    [
      { containerPort: 80, protocol: 'tcp' },
      '[0].protocol: must be one of TCP, UDP, SCTP, not "tcp"',
    ],
    [
      { nmae: 'http', containerPort: 80 },
      '[0].nmae: is not a field of this object; did you mean name?',
    ],
  ])('%j is refused', (port, problem) => {
    expect(problems(inContainer(port))).toEqual([`${PORTS}${problem}`])
  })

  test('are those of containers and restartable init containers', () => {
    const container = (name: string, containerPort: number, restartPolicy?: string) => ({
      restartPolicy,
      ports: [{ name, containerPort }],
    })
    const spec = {
      containers: [container('a', 1), container('a', 2)],
      initContainers: [container('b', 3, 'Always'), container('c', 4), container('d', 5, 'Never')],
      ephemeralContainers: [container('e', 6)],
    }
    expect(valid({ spec }).namedPorts.map(({ name, port }) => `${name} ${port}`)).toEqual([
      'a 1',
      'a 2',
      'b 3',
    ])
  })
})

describe('fields of a wrong type', () => {
  test.each([
    [{ spec: { hostNetwork: 'true' } }, 'spec.hostNetwork: must be true or false, not "true"'],
    [
      { spec: { nodeName: 1 } },
      'spec.nodeName: must be a string, not the number 1: put it in quotes',
    ],
    [{ spec: { containers: {} } }, 'spec.containers: must be a list, not an object'],
    [{ spec: { containers: ['x'] } }, 'spec.containers[0]: must be an object, not "x"'],
    [
      { metadata: { creationTimestamp: 'yesterday' } },
      'metadata.creationTimestamp: must be a time such as 2026-01-31T12:00:00Z, not "yesterday"',
    ],
    [
      { metadata: { creationTimestamp: '2026-13-31T12:00:00Z' } },
      'metadata.creationTimestamp: must be a time such as 2026-01-31T12:00:00Z, not "2026-13-31T12:00:00Z"',
    ],
    [{ metadata: { uid: {} } }, 'metadata.uid: must be a string, not an object'],
  ])('%j is refused', (options, problem) => {
    expect(problems(options)).toEqual([problem])
  })
})

test('a static pod has the uid by which the kubelet runs it, not that of its mirror', () => {
  const annotations = { 'kubernetes.io/config.mirror': 'f00d' }
  expect(valid({ metadata: { uid: 'mirror', annotations } }).uid).toBe('f00d')
  expect(problems({ metadata: { annotations: { 'kubernetes.io/config.mirror': 1 } } })).toEqual([
    'metadata.annotations["kubernetes.io/config.mirror"]: must be a string, not the number 1: put it in quotes',
  ])
})
