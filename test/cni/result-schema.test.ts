import * as v from 'valibot'
import { describe, expect, test } from 'vitest'
import { resultSchema } from '../../src/cni/result-schema.ts'
import { blockOf, ip4, ip6 } from '../../src/policy/address.ts'

const read = (value: unknown) => v.parse(resultSchema, value)

const NO_INTERFACE = {
  mac: undefined,
  mtu: undefined,
  sandbox: undefined,
  socketPath: undefined,
  pciID: undefined,
  extra: {},
}
const NO_ROUTE = {
  gw: undefined,
  mtu: undefined,
  advmss: undefined,
  priority: undefined,
  table: undefined,
  scope: undefined,
  extra: {},
}

test('what `bridge` of the reference plugins answers, in version 0.3.1', () => {
  const answer = {
    cniVersion: '0.3.1',
    interfaces: [
      { name: 'cni0', mac: '00:11:22:33:44:55' },
      { name: 'veth3243', mac: '55:44:33:22:11:11', sandbox: '' },
      { name: 'eth0', mac: '99:88:77:66:55:44', sandbox: '/var/run/netns/blue' },
    ],
    ips: [{ version: '4', interface: 2, address: '10.1.0.5/16', gateway: '10.1.0.1' }],
    routes: [{ dst: '0.0.0.0/0' }],
    dns: {},
  }
  expect(read(answer)).toStrictEqual({
    interfaces: [
      { ...NO_INTERFACE, name: 'cni0', mac: '00:11:22:33:44:55' },
      { ...NO_INTERFACE, name: 'veth3243', mac: '55:44:33:22:11:11' },
      { ...NO_INTERFACE, name: 'eth0', mac: '99:88:77:66:55:44', sandbox: '/var/run/netns/blue' },
    ],
    ips: [
      { address: ip4(0x0a010005), prefix: 16, gateway: ip4(0x0a010001), interface: 2, extra: {} },
    ],
    routes: [{ ...NO_ROUTE, dst: blockOf(ip4(0), 0) }],
    dns: {},
    extra: {},
  })
})

test('all that 1.1.0 can say, and fields of nobody', () => {
  const answer = {
    cniVersion: '1.1.0',
    interfaces: [{ name: 'net1', mtu: 9000, socketPath: '/run/s', pciID: '0000:00:1f.6', x: 1 }],
    ips: [{ address: 'fd00::5/64', y: [2] }],
    routes: [
      { dst: 'fd01::/48', gw: 'fd00::1', mtu: 1400, advmss: 1340, priority: 7, table: 9, scope: 0 },
    ],
    dns: { nameservers: ['10.0.0.10'], domain: 'd', search: ['s'], options: ['ndots:5'] },
    z: { a: 1 },
  }
  const fd00 = 0xfd00n << 112n
  expect(read(answer)).toStrictEqual({
    interfaces: [
      {
        ...NO_INTERFACE,
        name: 'net1',
        mtu: 9000,
        socketPath: '/run/s',
        pciID: '0000:00:1f.6',
        extra: { x: 1 },
      },
    ],
    ips: [
      {
        address: ip6(fd00 | 5n),
        prefix: 64,
        gateway: undefined,
        interface: undefined,
        extra: { y: [2] },
      },
    ],
    routes: [
      {
        dst: blockOf(ip6(0xfd01n << 112n), 48),
        gw: ip6(fd00 | 1n),
        mtu: 1400,
        advmss: 1340,
        priority: 7,
        table: 9,
        scope: 0,
        extra: {},
      },
    ],
    dns: { nameservers: ['10.0.0.10'], domain: 'd', search: ['s'], options: ['ndots:5'] },
    extra: { z: { a: 1 } },
  })
})

test.each([{}, { interfaces: null, ips: null, routes: null, dns: null }])(
  'nothing: %j',
  (value) => {
    expect(read(value)).toStrictEqual({
      interfaces: [],
      ips: [],
      routes: [],
      dns: undefined,
      extra: {},
    })
  },
)

describe('what is no result is told with its path', () => {
  test.each([
    [{ cniVersion: '0.2.0' }, 'cniVersion'],
    [{ interfaces: [{ mac: 'x' }] }, 'interfaces.0.name'],
    [{ interfaces: [{ name: 'a', mtu: 1.5 }] }, 'interfaces.0.mtu'],
    [{ ips: [{ address: '10.0.0.1' }] }, 'ips.0.address'],
    [{ ips: [{ address: '10.0.0.1/33' }] }, 'ips.0.address'],
    [{ ips: [{ address: '10.0.0.1/24', gateway: 'x' }] }, 'ips.0.gateway'],
    [{ ips: [{ address: '10.0.0.1/24', interface: 'eth0' }] }, 'ips.0.interface'],
    [{ routes: [{ dst: 'default' }] }, 'routes.0.dst'],
    [{ dns: { nameservers: '10.0.0.1' } }, 'dns.nameservers'],
  ])('%j', (value, path) => {
    const parsed = v.safeParse(resultSchema, value)
    expect(parsed.success).toBe(false)
    expect(parsed.issues?.map((issue) => v.getDotPath(issue))).toEqual([path])
  })
})
