import { describe, expect, test } from 'vitest'
import { readProbes } from '../../src/lab/read-probes.ts'

const good = { from: 'shop/web', to: '203.0.113.9', port: 80, protocol: 'TCP' }

describe('readProbes', () => {
  test('reads each protocol, and TCP where none is named', () => {
    const list = [
      good,
      { from: 'a/b', to: 'c/d', port: 53 },
      { from: '2001:db8::1', to: 'c/d', port: 65535, protocol: 'UDP' },
      { from: 'a/b', to: 'c/d', port: 1, protocol: 'SCTP' },
      { from: 'a/b', to: 'c/d', protocol: 'ICMP' },
      { from: 'a/b', to: 'c/d', port: null, protocol: 'ICMP' },
    ]
    expect(readProbes(JSON.stringify(list), 'p.json')).toEqual([
      good,
      { from: 'a/b', to: 'c/d', port: 53, protocol: 'TCP' },
      { from: '2001:db8::1', to: 'c/d', port: 65535, protocol: 'UDP' },
      { from: 'a/b', to: 'c/d', port: 1, protocol: 'SCTP' },
      { from: 'a/b', to: 'c/d', port: undefined, protocol: 'ICMP' },
      { from: 'a/b', to: 'c/d', port: undefined, protocol: 'ICMP' },
    ])
  })

  test.each([
    ['{', /^p\.json is not JSON \(.+\)\.$/],
    ['{}', 'p.json must hold a JSON array of probes.'],
    ['[7]', 'p.json: probe [0] must be an object with from, to, port, protocol.'],
    [
      [good, { ...good, source: 1 }],
      'p.json: probe [1] has an unknown field source; known are from',
    ],
    [
      [{ ...good, protocol: 'tcp' }],
      'probe [0] protocol must be TCP, UDP, SCTP or ICMP, not "tcp".',
    ],
    [[{ ...good, port: '80' }], 'probe [0] port must be a number from 1 to 65535, not "80".'],
    [[{ ...good, port: 0 }], 'probe [0] port must be a number from 1 to 65535, not 0.'],
    [[{ ...good, port: 65536 }], 'not 65536.'],
    [[{ ...good, port: undefined }], 'not nothing.'],
    [[{ ...good, protocol: 'ICMP' }], 'probe [0] port must be absent: ICMP has no ports.'],
    [
      [{ ...good, from: 'web' }],
      'probe [0] from must be namespace/pod or an IP address, not "web".',
    ],
    [[{ ...good, to: '10.0.0.256' }], 'probe [0] to must be namespace/pod or an IP address'],
    [[{ ...good, to: undefined }], 'probe [0] to is missing: it must be namespace/pod'],
  ])('refuses %j', (value, message) => {
    const text = typeof value === 'string' ? value : JSON.stringify(value)
    expect(() => readProbes(text, 'p.json')).toThrow(message)
  })
})
