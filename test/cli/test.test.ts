import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { temporaryDirectory } from '../cluster/temporary-directory.ts'
import { sluice } from './sluice.ts'

const SHOP = 'test/manifests/shop'

/** Runs `sluice test` on one file with this text. */
async function check(text: string, ...more: string[]) {
  const directory = temporaryDirectory({ 'shop.test.yaml': text })
  const file = join(directory, 'shop.test.yaml')
  const result = await sluice('test', '--manifests', SHOP, file, ...more)
  return { ...result, directory, out: result.out.replaceAll(`${directory}/`, '') }
}

test('the worked example of the demo holds, and only where its policies are in force', async () => {
  const held = await sluice('test', '--manifests', 'demo/3-rules', 'demo/shop.test.yaml')
  expect(held).toEqual({ code: 0, out: '7 passed, 0 failed\n', err: '' })
  const open = await sluice('test', '--manifests', 'demo/1-open', 'demo/shop.test.yaml')
  expect(open.code).toBe(1)
  expect(open.out).toContain('FAIL  demo/shop.test.yaml:17: default/outsider → shop/db-0 5432/TCP')
})

test('a failure names the assertion, the reason and the line of the policy', async () => {
  const { code, out, err } = await check(
    `# one right, one wrong
- {from: shop/web-0, to: shop/db, port: 5432, expect: allow, because: shop/db}
- name: the database is closed
  from: shop/web-0
  to: shop/db
  port: 5433
  expect: allow
`,
  )
  expect({ code, err }).toEqual({ code: 1, err: 'sluice: 1 of the assertions do not hold.\n' })
  expect(out.split('\n')).toEqual([
    'FAIL  shop.test.yaml:3: shop/web-0 → shop/db 5433/TCP (the database is closed)',
    expect.stringMatching(
      /^ {2}expected allow, is deny\. .*the nearest rule, shop\/db .*, does not match/u,
    ),
    `    ${SHOP}/policies.yaml:23: - port: 5432  (shop/db spec.ingress[0].ports[0])`,
    '1 passed, 1 failed',
    '',
  ])
})

describe('because', () => {
  test.each([
    ['allow', 5432, 'shop/db', 0],
    ['allow', 5432, 'shop/web', 1],
    ['deny', 5433, 'shop/default-deny', 0],
    ['deny', 5433, 'shop/web', 1],
  ])('%s on %i because of %s', async (expectation, port, because, code) => {
    const result = await check(
      `- {from: shop/web-0, to: shop/db, port: ${port}, expect: ${expectation}, because: ${because}}`,
    )
    expect(result.code).toBe(code)
    if (code === 1) {
      expect(result.out).toContain(`is ${expectation} as expected, but not because of ${because}.`)
    }
  })
})

test('a pod that is not there fails its assertion, with the name that was meant', async () => {
  const { code, out } = await check('- {from: shop/web, to: shop/db, port: 1, expect: deny}')
  expect(code).toBe(1)
  expect(out).toContain('The manifests have no pod shop/web. Did you mean shop/web-0?')
})

test('what depends on an address that files do not have is neither allowed nor denied', async () => {
  for (const expectation of ['allow', 'deny']) {
    const { code, out } = await check(
      `- {from: shop/db, to: shop/web-1, port: 8080, expect: ${expectation}}`,
    )
    expect(code).toBe(1)
    expect(out).toContain(`expected ${expectation}, is depends.`)
  }
})

test.each([
  ['- {form: shop/db}', 'form is not known here; did you mean from?'],
  ['- {to: shop/db, port: 1, expect: deny}', 'from is missing'],
  ['- {from: shop, to: shop/db, port: 1, expect: deny}', 'from cannot be read: Write a pod as'],
  ['- {from: a/b, to: shop/db, port: "1", expect: deny}', 'port must be a number, not "1"'],
  ['- {from: a/b, to: shop/db, port: 70000, expect: deny}', 'port cannot be read'],
  ['- {from: a/b, to: shop/db, port: 1, protocol: QUIC, expect: deny}', 'port cannot be read'],
  ['- {from: a/b, to: c/d, port: 1, protocol: ICMP, expect: deny}', 'port must be absent'],
  ['- {from: a/b, to: c/d, port: 1, expect: maybe}', 'expect must be allow or deny, not "maybe"'],
  ['- 7', 'an assertion must be an object'],
  ['from: a/b', 'must be a list of assertions'],
  ['- {from: a/b', 'malformed YAML'],
])('%s cannot be read', async (text, reason) => {
  const { code, err } = await check(
    `- {from: shop/web-0, to: shop/db, port: 5432, expect: allow}\n---\n${text}`,
  )
  expect(code).toBe(1)
  expect(err).toContain('shop.test.yaml:3: ')
  expect(err).toContain(reason)
})

test('no assertion at all is a failure: a test that cannot fail is none', async () => {
  const { code, err } = await check('')
  expect(code).toBe(1)
  expect(err).toContain('There is no assertion in')
})

test('--junit writes a suite a file, with names that XML can hold', async () => {
  const directory = temporaryDirectory({})
  const report = join(directory, 'report.xml')
  await check(
    `- {name: "a<b & \\"c\\"", from: shop/web-0, to: shop/db, port: 5432, expect: allow}
- {from: shop/web-0, to: shop/db, port: 5433, expect: allow}
`,
    '--junit',
    report,
  )
  const text = readFileSync(report, 'utf8')
  expect(text).toMatch(/<testsuites name="sluice test" tests="2" failures="1" time="[\d.]+">/u)
  expect(text).toMatch(/<testcase name="a&lt;b &amp; &quot;c&quot;" .* line="1"\/>/u)
  expect(text).toMatch(/<failure message="expected allow, is deny\. /u)
})
