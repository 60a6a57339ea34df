import { describe, expect, test } from 'vitest'
import { hostPortsOf, missesHostPort } from '../../src/dataplane/host-ports.ts'
import type { Connection } from '../../src/netlink/conntrack.ts'
import { address } from '../policy/literals.ts'

const POD = { 4: address('10.0.0.2'), 6: address('fd00::2') }
const NODE = { 4: address('192.0.2.1'), 6: address('fd01::1') }
const web = { protocol: 'TCP', hostPort: 8080, containerPort: 80, hostIp: undefined } as const

describe('a mapping', () => {
  test('without an address is one of each family of the pod', () => {
    expect(hostPortsOf([web], [POD[4], POD[6]])).toEqual([
      { ...web, address: POD[4] },
      { ...web, address: POD[6] },
    ])
    expect(hostPortsOf([web], [POD[6]])).toEqual([{ ...web, address: POD[6] }])
  })

  test.each([
    ['0.0.0.0', POD[4]],
    ['::', POD[6]],
  ])('with %s is for every address of that family', (hostIp, pod) => {
    const mapping = { ...web, hostIp: address(hostIp) }
    expect(hostPortsOf([mapping], [POD[4], POD[6]])).toEqual([{ ...web, address: pod }])
  })

  test('with an address leads to the address of the pod of its family', () => {
    const mapping = { ...web, hostIp: NODE[6] }
    expect(hostPortsOf([mapping], [POD[4], POD[6]])).toEqual([{ ...mapping, address: POD[6] }])
    expect(hostPortsOf([mapping], [POD[4]])).toEqual([])
  })

  test('of a port that is mapped before does not count, unless it says another address', () => {
    const later = { ...web, containerPort: 81 }
    const elsewhere = { ...later, hostIp: NODE[4] }
    const sameAgain = { ...later, hostIp: address('0.0.0.0') }
    expect(hostPortsOf([web, later, elsewhere, sameAgain], [POD[4]])).toEqual([
      { ...web, address: POD[4] },
      { ...elsewhere, address: POD[4] },
    ])
  })
})

describe('a flow that was tracked before the mapping', () => {
  const mapping = { ...web, protocol: 'UDP', address: POD[4] } as const
  const own = new Set([NODE[4], NODE[6], POD[6]])

  test.each([
    ['goes to the node', {}, true],
    ['goes to another port', { dport: 8081 }, false],
    ['goes to another host', { dst: POD[4] }, false],
    ['is of another protocol', { protocol: 6 }, false],
    ['is of another family', { dst: NODE[6] }, false],
    ['is translated to another address', { to: POD[4] }, false],
    ['is translated to another port', { toPort: 53 }, false],
  ])('%s', (_, flow, missed) => {
    expect(missesHostPort(connection(flow), mapping, own)).toBe(missed)
  })

  test('is only meant where it goes to the address of the mapping', () => {
    const one = { ...mapping, hostIp: NODE[4] }
    expect(missesHostPort(connection({}), one, own)).toBe(true)
    expect(missesHostPort(connection({ dst: address('192.0.2.9') }), one, own)).toBe(false)
    // The address may be the node's only from now on.
    expect(missesHostPort(connection({}), one, new Set())).toBe(true)
  })
})

function connection(
  flow: Partial<Record<'dst' | 'to', (typeof POD)[4]>> & Partial<Ports>,
): Connection {
  const { dst = NODE[4], dport = 8080, to = dst, toPort = dport, protocol = 17 } = flow
  const client = address('198.51.100.1')
  const unknown = { zone: 0, id: 1, status: 0, mark: 0, timeoutSeconds: 30, master: undefined }
  return {
    family: 4,
    protocol,
    original: { src: client, dst, sport: 4000, dport },
    reply: { src: to, dst: client, sport: toPort, dport: 4000 },
    ...unknown,
  }
}

interface Ports {
  readonly protocol: number
  readonly dport: number
  readonly toPort: number
}
