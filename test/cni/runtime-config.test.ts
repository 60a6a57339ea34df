import { describe, expect, test } from 'vitest'
import { parseConfig } from '../../src/cni/config.ts'
import type { RuntimeConfig } from '../../src/cni/runtime-config.ts'
import { ip4, ip6 } from '../../src/policy/address.ts'

function read(runtimeConfig: object): RuntimeConfig {
  return parseConfig(JSON.stringify({ cniVersion: '1.1.0', name: 'a', runtimeConfig })).runtime
}

const FD00 = 0xfd00n << 112n

test.each<[string, object, Partial<RuntimeConfig>]>([
  ['addresses', { ips: ['10.0.0.9', 'fd00::9/64'] }, { ips: [ip4(0x0a000009), ip6(FD00 | 9n)] }],
  ['a MAC address', { mac: 'C2:11:22:33:44:5A' }, { mac: 'c2:11:22:33:44:5a' }],
  [
    'ranges, whole and in part',
    {
      ipRanges: [
        [{ subnet: '10.0.1.0/24' }, { subnet: '10.0.2.0/24', rangeStart: '10.0.2.9' }],
        [{ subnet: 'fd00::/120', rangeStart: 'fd00::5', rangeEnd: 'fd00::7', gateway: 'fd00::1' }],
      ],
    },
    {
      ipRanges: [
        { first: ip4(0x0a000100), last: ip4(0x0a0001ff) },
        { first: ip4(0x0a000209), last: ip4(0x0a0002ff) },
        { first: ip6(FD00 | 5n), last: ip6(FD00 | 7n) },
      ],
    },
  ],
  [
    'port mappings as containerd, Kubernetes and podman write them',
    {
      portMappings: [
        { hostPort: 8080, containerPort: 80, protocol: 'tcp', hostIP: '' },
        { hostPort: 53, containerPort: 5353, protocol: 'UDP', hostIP: '127.0.0.1' },
        { hostPort: 9, containerPort: 9, protocol: 'sctp', hostIP: '::' },
        { hostPort: 81, containerPort: 81 },
      ],
    },
    {
      portMappings: [
        { hostPort: 8080, containerPort: 80, protocol: 'TCP', hostIp: undefined },
        { hostPort: 53, containerPort: 5353, protocol: 'UDP', hostIp: ip4(0x7f000001) },
        { hostPort: 9, containerPort: 9, protocol: 'SCTP', hostIp: ip6(0n) },
        { hostPort: 81, containerPort: 81, protocol: 'TCP', hostIp: undefined },
      ],
    },
  ],
  [
    'a port without a host port is not mapped',
    { portMappings: [{ hostPort: 0, containerPort: 80, protocol: 'tcp' }] },
    { portMappings: [] },
  ],
  [
    'bandwidth one way',
    { bandwidth: { ingressRate: 1_000_000, ingressBurst: 80_000, egressRate: 0, egressBurst: 0 } },
    {
      bandwidth: {
        ingressRate: 1_000_000,
        ingressBurst: 80_000,
        egressRate: undefined,
        egressBurst: undefined,
      },
    },
  ],
  ['bandwidth without a limit', { bandwidth: {} }, { bandwidth: undefined }],
])('%s', (_, asked, expected) => {
  expect(read(asked)).toMatchObject(expected)
})

describe('what is wrong is named by its path', () => {
  test.each([
    [{ ips: ['10.0.0.300'] }, 'ips.0 must be an address, not "10.0.0.300"'],
    [{ ips: ['10.0.0.1/x'] }, 'ips.0 must be an address'],
    [{ ips: ['10.0.0.1', '10.0.0.2'] }, 'ips must hold at most one address of each family'],
    [{ mac: '01:00:5e:00:00:01' }, 'mac must be the MAC address of one interface'],
    [{ mac: '00:00:00:00:00:00' }, 'mac must be the MAC address of one interface'],
    [{ mac: '02:00:00:00:00' }, 'mac must be the MAC address of one interface'],
    [{ ipRanges: [[{ subnet: '10.0.1.7/24' }]] }, 'ipRanges.0.0.subnet must be a subnet'],
    [
      { ipRanges: [[{ subnet: '10.0.1.0/24', rangeStart: '10.0.2.1' }]] },
      'ipRanges.0.0 must have its rangeStart and rangeEnd inside its subnet',
    ],
    [
      { ipRanges: [[{ subnet: '10.0.1.0/24', rangeEnd: 'fd00::1' }]] },
      'ipRanges.0.0 must have its rangeStart and rangeEnd inside its subnet',
    ],
    [
      { ipRanges: [[{ subnet: '10.0.1.0/24', rangeStart: '10.0.1.9', rangeEnd: '10.0.1.8' }]] },
      'ipRanges.0.0 must have its rangeStart and rangeEnd inside its subnet, in this order',
    ],
    [
      { ipRanges: [[{ subnet: '10.0.1.0/24' }, { subnet: 'fd00::/64' }]] },
      'ipRanges.0 must hold ranges of one family',
    ],
    [
      { ipRanges: [[{ subnet: '10.0.1.0/24' }], [{ subnet: '10.0.2.0/24' }]] },
      'ipRanges must hold at most one list for each family',
    ],
    [
      { portMappings: [{ hostPort: 65_536, containerPort: 80 }] },
      'portMappings.0.hostPort must be at most 65535',
    ],
    [
      { portMappings: [{ hostPort: -1, containerPort: 80 }] },
      'portMappings.0.hostPort must be at least 0',
    ],
    [
      { portMappings: [{ hostPort: 80, containerPort: 0 }] },
      'portMappings.0.containerPort must be at least 1',
    ],
    [
      { portMappings: [{ hostPort: 80, containerPort: 80, protocol: 'icmp' }] },
      'portMappings.0.protocol must be ("TCP" | "UDP" | "SCTP"), not "ICMP"',
    ],
    [
      { portMappings: [{ hostPort: 80, containerPort: 80, hostIP: 'localhost' }] },
      'portMappings.0.hostIP must be an address, not "localhost"',
    ],
    [{ bandwidth: { ingressRate: 1 } }, 'bandwidth must have a burst for each rate'],
    [{ bandwidth: { egressBurst: 1 } }, 'bandwidth must have a burst for each rate'],
    [
      { bandwidth: { egressRate: 1, egressBurst: 2 ** 36 } },
      'bandwidth.egressBurst must be at most 34359738360 bits',
    ],
  ])('%j', (asked, message) => {
    expect(() => read(asked)).toThrow(`The network configuration's runtimeConfig.${message}`)
  })
})
