import { describe, expect, test } from 'vitest'
import { formatCidr } from '../../../src/policy/address.ts'
import type { NetworkPolicy } from '../../../src/policy/model.ts'
import { parseObject } from '../../../src/policy/parse.ts'
import type { Invalid } from '../../../src/policy/parse.ts'
import { policy } from '../cases/objects.ts'

function parse(spec: unknown) {
  return parseObject(policy('shop/web', spec), { unknownFields: 'reject' })
}

function valid(spec: unknown): NetworkPolicy {
  const parsed = parse(spec)
  if (parsed.kind !== 'policy') throw new Error(JSON.stringify(parsed))
  return parsed.policy
}

function refused(spec: unknown): Invalid {
  const parsed = parse(spec)
  if (parsed.kind !== 'invalid') throw new Error(`It was read as ${parsed.kind}.`)
  return parsed
}

function problems(spec: unknown): string[] {
  return refused(spec).problems.map(({ path, message }) => `${path}: ${message}`)
}

const fromPeer = (peer: unknown) => ({ ingress: [{ from: [peer] }] })
const onPort = (port: unknown) => ({ ingress: [{ ports: [port] }] })
const fromBlock = (ipBlock: unknown) => fromPeer({ ipBlock })
const selecting = (...matchExpressions: unknown[]) => ({ podSelector: { matchExpressions } })

const PEER = 'spec.ingress[0].from[0]'
const PORT = 'spec.ingress[0].ports[0]'
const EXPRESSION = 'spec.podSelector.matchExpressions[0]'

describe('spec', () => {
  test.each([[undefined], [null], [{}], [{ podSelector: null }], [{ podSelector: {} }]])(
    '%j selects every pod for ingress and allows nothing',
    (spec) => {
      expect(valid(spec)).toEqual({
        namespace: 'shop',
        name: 'web',
        podSelector: { requirements: [] },
        ingress: [],
        egress: undefined,
      })
    },
  )

  test.each([
    [{}, [], undefined],
    [{ egress: [] }, [], undefined],
    [{ egress: null }, [], undefined],
    [{ policyTypes: null, egress: [{}] }, [], [{ peers: 'everyone', ports: 'all' }]],
    [{ policyTypes: [], ingress: [{}] }, [{ peers: 'everyone', ports: 'all' }], undefined],
    [{ policyTypes: ['Egress'] }, undefined, []],
    [{ policyTypes: ['Egress'], ingress: [{}] }, undefined, []],
    [{ policyTypes: ['Ingress'], egress: [{}] }, [], undefined],
    [{ policyTypes: ['Ingress', 'Egress'] }, [], []],
    [{ policyTypes: ['Ingress', 'Ingress'] }, [], undefined],
  ])('%j has ingress %j and egress %j', (spec, ingress, egress) => {
    expect(valid(spec)).toMatchObject({ ingress, egress })
  })

  test.each([
    [1, 'spec: must be an object, not the number 1'],
    [[], 'spec: must be an object, not a list'],
    [{ ingress: {} }, 'spec.ingress: must be a list, not an object'],
    [{ ingress: ['x'] }, 'spec.ingress[0]: must be an object, not "x"'],
    [{ egress: 'all' }, 'spec.egress: must be a list, not "all"'],
    [{ ingress: [{ from: {} }] }, 'spec.ingress[0].from: must be a list, not an object'],
    [{ policyTypes: 'Ingress' }, 'spec.policyTypes: must be a list, not "Ingress"'],
    [
      { policyTypes: ['ingress'] },
      'spec.policyTypes[0]: must be one of Ingress, Egress, not "ingress"',
    ],
    [
      { policyTypes: ['Ingress', 'Egress', 'Ingress'] },
      'spec.policyTypes: must have at most two entries',
    ],
  ])('%j is refused', (spec, problem) => {
    expect(problems(spec)).toEqual([problem])
  })

  test('rules of a direction that is not in force are still checked', () => {
    expect(problems({ policyTypes: ['Ingress'], egress: [{ ports: [{ port: 0 }] }] })).toEqual([
      'spec.egress[0].ports[0].port: must be a whole number from 1 to 65535, not the number 0',
    ])
  })

  test('null items are empty ones, as to the API server', () => {
    expect(valid({ ingress: [null] }).ingress).toEqual([{ peers: 'everyone', ports: 'all' }])
    expect(valid(onPort(null)).ingress).toEqual([
      { peers: 'everyone', ports: [{ kind: 'every', protocol: 'TCP' }] },
    ])
    expect(problems(fromPeer(null))).toHaveLength(1)
  })

  test('a status from an old export is let pass', () => {
    const document = { ...Object(policy('a/x', {})), status: {} }
    expect(parseObject(document, { unknownFields: 'reject' }).kind).toBe('policy')
  })
})

describe('selectors', () => {
  test('become requirements in one order, each once', () => {
    const { podSelector } = valid({
      podSelector: {
        matchLabels: { b: '1', a: '2' },
        matchExpressions: [
          { key: 'b', operator: 'In', values: ['1'] },
          { key: 'a', operator: 'NotIn', values: ['y', 'x', 'y'] },
          { key: 'a', operator: 'Exists' },
          { key: 'c', operator: 'DoesNotExist', values: [] },
        ],
      },
    })
    expect(podSelector.requirements).toEqual([
      { key: 'a', operator: 'Exists' },
      { key: 'a', operator: 'In', values: ['2'] },
      { key: 'a', operator: 'NotIn', values: ['x', 'y'] },
      { key: 'b', operator: 'In', values: ['1'] },
      { key: 'c', operator: 'DoesNotExist' },
    ])
  })

  test.each([
    [{ key: 'a', operator: 'In' }, '.values: must have at least one value with operator In'],
    [
      { key: 'a', operator: 'NotIn', values: [] },
      '.values: must have at least one value with operator NotIn',
    ],
    [
      { key: 'a', operator: 'Exists', values: ['x'] },
      '.values: must be absent with operator Exists',
    ],
    [
      { key: 'a', operator: 'DoesNotExist', values: [''] },
      '.values: must be absent with operator DoesNotExist',
    ],
    [
      { key: 'a', operator: 'in', values: ['x'] },
      '.operator: must be one of In, NotIn, Exists, DoesNotExist, not "in"',
    ],
    [
      { key: 'a', operator: 'Equals' },
      '.operator: must be one of In, NotIn, Exists, DoesNotExist, not "Equals"',
    ],
    [{ key: 'a' }, '.operator: is missing: use one of In, NotIn, Exists, DoesNotExist'],
    [{ operator: 'Exists' }, '.key: is a label key without a name: ""'],
    [
      { key: 'a b', operator: 'Exists' },
      '.key: must be letters, digits, "-", "_" and ".", with a letter or digit at both ends: "a b"',
    ],
    [{ key: 1, operator: 'Exists' }, '.key: must be a string, not the number 1: put it in quotes'],
    [
      { key: 'a', operator: 'In', values: [1] },
      '.values[0]: must be a string, not the number 1: put it in quotes',
    ],
    [{ key: 'a', operator: 'In', values: 'x' }, '.values: must be a list, not "x"'],
    ['a=b', ': must be an object, not "a=b"'],
  ])('%j is refused', (expression, problem) => {
    expect(problems(selecting(expression))[0]).toBe(`${EXPRESSION}${problem}`)
  })

  test('values of expressions follow the rules of labels', () => {
    expect(problems(selecting({ key: 'a', operator: 'In', values: ['-'] }))).toHaveLength(1)
    expect(problems({ podSelector: { matchLabels: { a: '-' } } })).toHaveLength(1)
  })
})

describe('peers', () => {
  test('of selectors', () => {
    const none = { requirements: [] }
    const peer = (given: unknown) => valid(fromPeer(given)).ingress?.[0]?.peers[0]
    expect(peer({ podSelector: {} })).toEqual({ kind: 'pods', namespaces: 'own', pods: none })
    expect(peer({ podSelector: {}, namespaceSelector: null })).toEqual({
      kind: 'pods',
      namespaces: 'own',
      pods: none,
    })
    expect(peer({ namespaceSelector: {} })).toEqual({ kind: 'pods', namespaces: none, pods: none })
  })

  test.each([
    [{}, `${PEER}: is empty: give it podSelector, namespaceSelector or ipBlock`],
    [{ podSelector: null }, `${PEER}: is empty: give it podSelector, namespaceSelector or ipBlock`],
    [
      { podSelector: {}, ipBlock: { cidr: '10.0.0.0/8' } },
      `${PEER}: must not have ipBlock beside a selector: make them two peers`,
    ],
    [
      { namespaceSelector: {}, ipBlock: { cidr: '10.0.0.0/8' } },
      `${PEER}: must not have ipBlock beside a selector: make them two peers`,
    ],
    ['10.0.0.0/8', `${PEER}: must be an object, not "10.0.0.0/8"`],
  ])('%j is refused', (peer, problem) => {
    expect(problems(fromPeer(peer))).toEqual([problem])
  })
})

describe('blocks', () => {
  const block = (given: unknown) => {
    const peer = valid(fromBlock(given)).ingress?.[0]?.peers[0]
    if (typeof peer !== 'object' || peer.kind !== 'block') throw new Error('It is no block.')
    return [formatCidr(peer.cidr), ...peer.except.map(formatCidr)]
  }

  test('keep their exceptions in order', () => {
    expect(block({ cidr: '10.0.0.0/8', except: ['10.2.0.0/16', '10.1.0.0/16'] })).toEqual([
      '10.0.0.0/8',
      '10.2.0.0/16',
      '10.1.0.0/16',
    ])
    expect(block({ cidr: '::/0', except: null })).toEqual(['::/0'])
  })

  test.each([
    [{}, '.cidr: must be a block such as 10.0.0.0/8 or fd00::/8, not ""'],
    [{ cidr: '10.0.0.0' }, '.cidr: must be a block such as 10.0.0.0/8 or fd00::/8, not "10.0.0.0"'],
    [
      { cidr: '10.0.0.0/33' },
      '.cidr: must be a block such as 10.0.0.0/8 or fd00::/8, not "10.0.0.0/33"',
    ],
    [{ cidr: 10 }, '.cidr: must be a string, not the number 10: put it in quotes'],
    [{ cidr: '10.0.0.0/8', except: '10.1.0.0/16' }, '.except: must be a list, not "10.1.0.0/16"'],
    [
      { cidr: '10.0.0.0/8', except: ['x'] },
      '.except[0]: must be a block such as 10.0.0.0/8 or fd00::/8, not "x"',
    ],
    [
      { cidr: '10.0.0.0/8', except: ['10.1.0.0/16', '10.0.0.0/8'] },
      '.except[1]: must lie strictly inside 10.0.0.0/8, but is 10.0.0.0/8',
    ],
    [
      { cidr: '10.0.0.0/8', except: ['11.0.0.0/16'] },
      '.except[0]: must lie strictly inside 10.0.0.0/8, but is 11.0.0.0/16',
    ],
    [
      { cidr: '10.0.0.0/8', except: ['0.0.0.0/0'] },
      '.except[0]: must lie strictly inside 10.0.0.0/8, but is 0.0.0.0/0',
    ],
    [
      { cidr: '10.0.0.0/8', except: ['fd00::/16'] },
      '.except[0]: must lie strictly inside 10.0.0.0/8, but is fd00::/16',
    ],
    ['10.0.0.0/8', ': must be an object, not "10.0.0.0/8"'],
  ])('%j is refused', (ipBlock, problem) => {
    expect(problems(fromBlock(ipBlock))).toEqual([`${PEER}.ipBlock${problem}`])
  })

  test('written in ways that 1.36 refuses are read with a warning that says so', () => {
    const parsed = parse(fromBlock({ cidr: '10.1.2.3/8', except: ['10.01.0.0/16'] }))
    expect(parsed).toMatchObject({
      kind: 'policy',
      warnings: [
        { path: `${PEER}.ipBlock.cidr`, message: expect.stringContaining('1.36') },
        { path: `${PEER}.ipBlock.except[0]`, message: expect.stringContaining('"10.1.0.0/16"') },
      ],
    })
  })
})

describe('ports', () => {
  test.each([
    [{}, { kind: 'every', protocol: 'TCP' }],
    [
      { protocol: null, port: null, endPort: null },
      { kind: 'every', protocol: 'TCP' },
    ],
    [{ protocol: 'UDP' }, { kind: 'every', protocol: 'UDP' }],
    [{ port: 80 }, { kind: 'range', protocol: 'TCP', first: 80, last: 80 }],
    [
      { port: 1, endPort: 65535, protocol: 'SCTP' },
      { kind: 'range', protocol: 'SCTP', first: 1, last: 65535 },
    ],
    [
      { port: 80, endPort: 80 },
      { kind: 'range', protocol: 'TCP', first: 80, last: 80 },
    ],
    [{ port: 'http' }, { kind: 'named', protocol: 'TCP', name: 'http' }],
    [
      { port: '80-a', protocol: 'UDP' },
      { kind: 'named', protocol: 'UDP', name: '80-a' },
    ],
  ])('%j is %j', (port, expected) => {
    expect(valid(onPort(port)).ingress?.[0]?.ports).toEqual([expected])
  })

  const RANGE = 'must be a whole number from 1 to 65535, not the number'
  test.each([
    [{ port: 0 }, `.port: ${RANGE} 0`],
    [{ port: 65536 }, `.port: ${RANGE} 65536`],
    [{ port: -1 }, `.port: ${RANGE} -1`],
    [{ port: 80.5 }, `.port: ${RANGE} 80.5`],
    [{ port: true }, '.port: must be a whole number from 1 to 65535, not the boolean true'],
    [{ port: [80] }, '.port: must be a whole number from 1 to 65535, not a list'],
    [{ port: '80' }, '.port: must be a number without quotes, or a name with a letter in it: "80"'],
    [{ port: '' }, '.port: must be lower-case letters, digits and "-": ""'],
    [{ port: 'HTTP' }, '.port: must be lower-case letters, digits and "-": "HTTP"'],
    [{ port: '8-0' }, '.port: must have a letter in it: "8-0"'],
    [{ port: 'a--b' }, '.port: must have no "-" at an end or beside another: "a--b"'],
    [{ port: '-a' }, '.port: must have no "-" at an end or beside another: "-a"'],
    [{ port: 'a234567890123456' }, '.port: must have at most 15 characters: "a234567890123456"'],
    [{ port: 80, endPort: 79 }, '.endPort: must be ≥ port, but 79 < 80'],
    [{ port: 80, endPort: 65536 }, `.endPort: ${RANGE} 65536`],
    [{ port: 80, endPort: '90' }, '.endPort: must be a whole number from 1 to 65535, not "90"'],
    [{ port: 'http', endPort: 90 }, '.endPort: may only stand beside a port that is a number'],
    [{ endPort: 90 }, '.endPort: may only stand beside a port that is a number'],
    [{ protocol: 'tcp' }, '.protocol: must be one of TCP, UDP, SCTP, not "tcp"'],
    [{ protocol: 'ICMP' }, '.protocol: must be one of TCP, UDP, SCTP, not "ICMP"'],
    [{ protocol: '' }, '.protocol: must be one of TCP, UDP, SCTP, not ""'],
    [80, ': must be an object, not the number 80'],
  ])('%j is refused', (port, problem) => {
    expect(problems(onPort(port))).toEqual([`${PORT}${problem}`])
  })
})

describe('what stands in for an invalid policy', () => {
  const web = { matchLabels: { app: 'web' } }
  const EVERYTHING = { requirements: [] }

  test('isolates the pods that it selects, in both directions', () => {
    expect(
      refused({ podSelector: web, policyTypes: ['Ingress'], ingress: [{ from: 1 }] }).salvage,
    ).toEqual({
      namespace: 'shop',
      name: 'web',
      podSelector: { requirements: [{ key: 'app', operator: 'In', values: ['web'] }] },
      ingress: [],
      egress: [],
      invalid: 'spec.ingress[0].from: must be a list, not the number 1',
    })
  })

  test('isolates the whole namespace if its podSelector is what is invalid', () => {
    for (const podSelector of [
      'web',
      { ...web, matchLabel: {} },
      { matchLabels: { app: 'web', bad: '-' } },
      { ...web, matchExpressions: [{ key: 'a', operator: 'In' }] },
    ]) {
      expect(refused({ podSelector }).salvage?.podSelector).toEqual(EVERYTHING)
    }
    expect(refused('x').salvage?.podSelector).toEqual(EVERYTHING)
    expect(refused({ podSelecter: web }).salvage?.podSelector).toEqual(EVERYTHING)
  })

  test('even where so much is wrong that not all of it is kept', () => {
    const junk = Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`junk${i}`, 1]))
    const { salvage } = refused({ ...junk, podSelector: { matchLabels: { app: 'web', bad: '-' } } })
    expect(salvage?.podSelector).toEqual(EVERYTHING)
  })

  test('counts what else is wrong', () => {
    expect(refused({ ingress: [{ from: 1 }, { ports: 2 }, 3] }).salvage?.invalid).toMatch(
      / \(and 2 more\)$/,
    )
  })

  test('isolates the whole namespace if it has no name: such objects cannot be told apart', () => {
    const parsed = parseObject(
      {
        apiVersion: 'networking.k8s.io/v1',
        kind: 'NetworkPolicy',
        metadata: { namespace: 'shop' },
        spec: { podSelector: web },
      },
      { unknownFields: 'reject' },
    )
    expect(parsed).toMatchObject({
      kind: 'invalid',
      problems: [{ path: 'metadata.name', message: 'is missing: every object here needs one' }],
      salvage: { namespace: 'shop', name: '(unnamed)', podSelector: EVERYTHING },
    })
  })

  test('is not there where the namespace cannot be told', () => {
    const parsed = parseObject(
      {
        apiVersion: 'networking.k8s.io/v1',
        kind: 'NetworkPolicy',
        metadata: { namespace: 'Shop', name: 'x' },
      },
      { unknownFields: 'reject' },
    )
    expect(parsed).toMatchObject({ kind: 'invalid', salvage: undefined })
  })
})
