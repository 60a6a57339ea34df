import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseConfig } from '../../src/cni/config.ts'
import { CniError } from '../../src/cni/errors.ts'
import { ip4, ip6 } from '../../src/policy/address.ts'

const MINIMAL = { cniVersion: '1.1.0', name: 'sluice' }
const NOTHING_ASKED = {
  ips: [],
  ipRanges: [],
  mac: undefined,
  portMappings: [],
  bandwidth: undefined,
}

function faultOf(stdin: string): { code: number; message: string } {
  try {
    parseConfig(stdin)
  } catch (error) {
    if (error instanceof CniError) return { code: error.code, message: error.message }
    throw error
  }
  throw new Error('accepted')
}

test.each(['0.3.1', '0.4.0', '1.0.0', '1.1.0'])('version %s', (cniVersion) => {
  expect(parseConfig(JSON.stringify({ ...MINIMAL, cniVersion })).cniVersion).toBe(cniVersion)
})

test('the fields that we use, and others beside them', () => {
  const dns = { nameservers: ['10.96.0.10'], domain: 'x', search: ['svc'], options: ['ndots:5'] }
  const config = {
    ...MINIMAL,
    type: 'sluice-cni',
    mtu: 1450,
    defaultNamespace: 'tools',
    dns,
    runtimeConfig: { ips: ['10.0.0.7/24', 'fd00::7'], portMappings: [], aliases: ['x'] },
    future: { x: 1 },
  }
  expect(parseConfig(JSON.stringify(config))).toEqual({
    cniVersion: '1.1.0',
    name: 'sluice',
    mtu: 1450,
    defaultNamespace: 'tools',
    dns,
    prevResult: undefined,
    runtime: { ...NOTHING_ASKED, ips: [ip4(0x0a000007), ip6((0xfd00n << 112n) | 7n)] },
  })
})

test.each([
  ['', 6, 'The network configuration on stdin is not JSON'],
  ['{"cniVersion":"1.1.0"', 6, 'The network configuration on stdin is not JSON'],
  ['null', 7, 'The network configuration must be Object, not null'],
  ['[]', 7, 'The network configuration must be an object, not a list'],
  [
    '{}',
    1,
    'The network configuration has no cniVersion, which means 0.1.0; sluice speaks 0.3.1, 0.4.0, 1.0.0, 1.1.0',
  ],
  ['{"cniVersion":"2.0.0"}', 1, 'The network configuration has cniVersion "2.0.0"'],
  ['{"cniVersion":1}', 7, "The network configuration's cniVersion must be string, not 1"],
  ['{"cniVersion":"1.1.0"}', 7, "The network configuration's name must be"],
  ['{"cniVersion":"1.1.0","name":"-x"}', 7, "The network configuration's name must begin with"],
  [
    '{"cniVersion":"1.1.0","name":"a","mtu":"1500"}',
    7,
    'The network configuration\'s mtu must be number, not "1500"',
  ],
  [
    '{"cniVersion":"1.1.0","name":"a","defaultNamespace":"A"}',
    7,
    "The network configuration's defaultNamespace must be the name of a namespace",
  ],
  [
    '{"cniVersion":"1.1.0","name":"a","mtu":1279}',
    7,
    "The network configuration's mtu must be at least 1280",
  ],
  [
    '{"cniVersion":"1.1.0","name":"a","mtu":65536}',
    7,
    "The network configuration's mtu must be at most 65535",
  ],
  [
    '{"cniVersion":"1.1.0","name":"a","mtu":1500.5}',
    7,
    "The network configuration's mtu must be a whole number",
  ],
  [
    '{"cniVersion":"1.1.0","name":"a","dns":{"nameservers":["x",3]}}',
    7,
    "The network configuration's dns.nameservers.1 must be string, not 3",
  ],
  [
    '{"cniVersion":"1.1.0","name":"a","ipam":{"type":"host-local"}}',
    2,
    'The network configuration\'s ipam.type is "host-local", and sluice gives addresses itself: leave ipam out',
  ],
  [
    '{"cniVersion":"1.1.0","name":"a","prevResult":[]}',
    7,
    "The network configuration's prevResult must be an object, not a list",
  ],
])('%s', (stdin, code, message) => {
  const fault = faultOf(stdin)
  expect(fault.message.startsWith(message), fault.message).toBe(true)
  expect(fault.code).toBe(code)
})

test('any JSON and any text give a configuration or a CNI error', () => {
  const near = fc.record(
    {
      cniVersion: fc.oneof(fc.constant('1.1.0'), fc.jsonValue()),
      name: fc.oneof(fc.constant('a'), fc.jsonValue()),
      mtu: fc.jsonValue(),
      dns: fc.jsonValue(),
      runtimeConfig: fc.jsonValue(),
    },
    { requiredKeys: [] },
  )
  const stdin = fc.oneof(
    fc.string(),
    fc.json(),
    near.map((value) => JSON.stringify(value)),
  )
  fc.assert(
    fc.property(stdin, (text) => {
      try {
        parseConfig(text)
      } catch (error) {
        expect(error).toBeInstanceOf(CniError)
      }
    }),
    { numRuns: 2_000 },
  )
})
