import fc from 'fast-check'
import * as v from 'valibot'
import { describe, expect, test } from 'vitest'
import { formatResult } from '../../src/cni/format-result.ts'
import { resultSchema } from '../../src/cni/result-schema.ts'
import type { Result, ResultInterface, ResultIp, ResultRoute } from '../../src/cni/result.ts'
import { type CniVersion, SUPPORTED_VERSIONS } from '../../src/cni/version.ts'
import { blockOf, familyOf, ip4, ip6, widthOf } from '../../src/policy/address.ts'

const FULL = {
  interfaces: [
    { name: 'host', mac: '02:00:00:00:00:01', mtu: 1500 },
    { name: 'eth0', sandbox: '/n', socketPath: '/s', pciID: 'p' },
  ],
  ips: [
    { address: '10.0.0.2/24', gateway: '10.0.0.1', interface: 1 },
    { address: 'fd00::2/64', x: 1 },
  ],
  routes: [
    { dst: '0.0.0.0/0', gw: '10.0.0.1' },
    { dst: 'fd01::/48', mtu: 1400, advmss: 1340, priority: 7, table: 9, scope: 253 },
  ],
  dns: { nameservers: ['10.0.0.10'] },
  y: 2,
}

const OLD_INTERFACES = [
  { name: 'host', mac: '02:00:00:00:00:01' },
  { name: 'eth0', sandbox: '/n' },
]
const OLD_ROUTES = [{ dst: '0.0.0.0/0', gw: '10.0.0.1' }, { dst: 'fd01::/48' }]
const WITH_FAMILY = [
  { version: '4', address: '10.0.0.2/24', gateway: '10.0.0.1', interface: 1 },
  { version: '6', address: 'fd00::2/64', x: 1 },
]

const AS: Readonly<Record<CniVersion, object>> = {
  '0.3.1': { ...FULL, interfaces: OLD_INTERFACES, ips: WITH_FAMILY, routes: OLD_ROUTES },
  '0.4.0': { ...FULL, interfaces: OLD_INTERFACES, ips: WITH_FAMILY, routes: OLD_ROUTES },
  '1.0.0': { ...FULL, interfaces: OLD_INTERFACES, routes: OLD_ROUTES },
  '1.1.0': FULL,
}

describe.each(SUPPORTED_VERSIONS)('in version %s', (version) => {
  test('each field that it has and no other', () => {
    const written: unknown = JSON.parse(formatResult(v.parse(resultSchema, FULL), version))
    expect(written).toStrictEqual({ ...AS[version], cniVersion: version })
  })

  test('there and back, only what it cannot say is lost', () => {
    fc.assert(
      fc.property(anyResult, (result) => {
        const back = v.parse(resultSchema, JSON.parse(formatResult(result, version)))
        expect(back).toStrictEqual(version === '1.1.0' ? result : withoutNewFields(result))
      }),
    )
  })

  test('a result that came in another version says the same as one that came in this', () => {
    fc.assert(
      fc.property(anyResult, fc.constantFrom(...SUPPORTED_VERSIONS), (result, other) => {
        const old = withoutNewFields(result)
        const detour = v.parse(resultSchema, JSON.parse(formatResult(old, other)))
        expect(formatResult(detour, version)).toBe(formatResult(old, version))
      }),
    )
  })
})

function withoutNewFields(result: Result): Result {
  return {
    ...result,
    interfaces: result.interfaces.map((item) => ({
      ...item,
      mtu: undefined,
      socketPath: undefined,
      pciID: undefined,
    })),
    routes: result.routes.map((item) => ({
      ...item,
      mtu: undefined,
      advmss: undefined,
      priority: undefined,
      table: undefined,
      scope: undefined,
    })),
  }
}

/** Records with the prototype of objects, as JSON.parse makes them. */
const plain = <T>(fields: { [Name in keyof T]: fc.Arbitrary<T[Name]> }): fc.Arbitrary<T> =>
  fc.record(fields, { noNullPrototype: true })

const address = fc.oneof(
  fc.integer({ min: 0, max: 0xffff_ffff }).map(ip4),
  // Not the IPv4-mapped ones, which are IPv4 addresses.
  fc.bigInt({ min: 1n << 96n, max: (1n << 128n) - 1n }).map(ip6),
)
const text = fc.string({ minLength: 1 })
const may = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined })
const number = may(fc.nat())
const extra = fc.dictionary(
  fc.string({ minLength: 1 }).map((name) => `x-${name}`),
  fc.jsonValue().map((value): unknown => JSON.parse(JSON.stringify(value))),
  { noNullPrototype: true },
)

const anyInterface: fc.Arbitrary<ResultInterface> = plain({
  name: fc.string(),
  mac: may(text),
  mtu: number,
  sandbox: may(text),
  socketPath: may(text),
  pciID: may(text),
  extra,
})

const anyIp: fc.Arbitrary<ResultIp> = address.chain((one) =>
  plain({
    address: fc.constant(one),
    prefix: fc.nat(widthOf(familyOf(one))),
    gateway: may(address),
    interface: number,
    extra,
  }),
)

const anyRoute: fc.Arbitrary<ResultRoute> = address.chain((one) =>
  plain({
    dst: fc.nat(widthOf(familyOf(one))).map((prefix) => blockOf(one, prefix)),
    gw: may(address),
    mtu: number,
    advmss: number,
    priority: number,
    table: number,
    scope: number,
    extra,
  }),
)

const anyResult: fc.Arbitrary<Result> = plain({
  interfaces: fc.array(anyInterface),
  ips: fc.array(anyIp),
  routes: fc.array(anyRoute),
  dns: may(fc.constant({ nameservers: ['10.0.0.10'], search: ['a', 'b'] })),
  extra,
})
