import { describe, expect, test } from 'vitest'
import { runCommandLine } from '../../src/cli/command-line.ts'
import { temporaryDirectory } from '../cluster/temporary-directory.ts'
import { sluice } from './sluice.ts'

const SHOP = 'test/manifests/shop'

function explain(...args: string[]) {
  return sluice('explain', '--manifests', SHOP, ...args)
}

async function answer(...args: string[]): Promise<unknown> {
  const { code, out, err } = await explain('--json', ...args)
  expect({ code, err }).toEqual({ code: 0, err: '' })
  return JSON.parse(out)
}

const OPEN = { isolatedBy: [], allowedBy: null, nearestMiss: null }

describe('--json', () => {
  test('an allow names the rule and its line', async () => {
    expect(await answer('shop/web-0', 'shop/db', '5432')).toEqual({
      from: 'shop/web-0',
      to: 'shop/db',
      port: 5432,
      protocol: 'TCP',
      verdict: 'allow',
      reason:
        'Egress of shop/web-0: no policy isolates it; ingress of shop/db: shop/db spec.ingress[0].from[0] allows it.',
      egress: OPEN,
      ingress: {
        isolatedBy: ['shop/db', 'shop/default-deny'],
        allowedBy: {
          policy: 'shop/db',
          path: 'spec.ingress[0].from[0]',
          file: 'test/manifests/shop/policies.yaml',
          line: 20,
        },
        nearestMiss: null,
      },
    })
  })

  test('a deny names the nearest rule, and in what it fails', async () => {
    expect(await answer('shop/web-0', 'shop/db', '5433/tcp')).toMatchObject({
      protocol: 'TCP',
      verdict: 'deny',
      ingress: {
        allowedBy: null,
        nearestMiss: {
          policy: 'shop/db',
          path: 'spec.ingress[0].ports[0]',
          file: 'test/manifests/shop/policies.yaml',
          line: 23,
          fails: ['port'],
        },
      },
    })
  })

  test('a named port is that of the destination', async () => {
    expect(await answer('watch/prober', 'shop/db', '9187')).toMatchObject({ verdict: 'allow' })
    expect(await answer('watch/prober', 'shop/db', '9188')).toMatchObject({ verdict: 'deny' })
  })

  test('an address block and a pod without an address make it depend', async () => {
    expect(await answer('shop/db', 'shop/web-1', '8080')).toMatchObject({
      verdict: 'depends',
      reason: expect.stringMatching(/192\.0\.2\.0\/24/),
      ingress: { nearestMiss: { line: 40 } },
    })
  })

  test.each([
    ['192.0.2.9', 'allow'],
    ['192.0.3.9', 'deny'],
    ['2001:db8::1', 'deny'],
    ['10.9.0.7', 'deny'],
  ])('from the address %s it is %s', async (address, verdict) => {
    expect(await answer(address, 'shop/web-1', '8080')).toMatchObject({ from: address, verdict })
  })

  test('ICMP has no port', async () => {
    expect(await answer('shop/web-0', 'shop/db', 'icmp')).toMatchObject({
      port: null,
      protocol: 'ICMP',
      verdict: 'deny',
    })
  })

  test('other protocols', async () => {
    expect(await answer('shop/web-0', 'watch/prober', '53/udp')).toMatchObject({
      protocol: 'UDP',
      verdict: 'allow',
      egress: OPEN,
      ingress: OPEN,
    })
    expect(await answer('shop/web-0', 'shop/db', '5432/SCTP')).toMatchObject({ verdict: 'deny' })
  })
})

describe('for a person', () => {
  test('an allow', async () => {
    expect((await explain('shop/web-0', 'shop/db', '5432')).out).toBe(
      `allow  shop/web-0 → shop/db  5432/TCP
Egress of shop/web-0: no policy isolates it; ingress of shop/db: shop/db spec.ingress[0].from[0] allows it.
ingress shop/db: allow, isolated by shop/db, shop/default-deny
  allowed by shop/db spec.ingress[0].from[0]
    test/manifests/shop/policies.yaml:20: - podSelector:
`,
    )
  })

  test('a deny', async () => {
    const { out } = await explain('shop/web-0', 'shop/db', '80')
    expect(out.split('\n')).toEqual([
      'deny  shop/web-0 → shop/db  80/TCP',
      expect.stringMatching(
        /^Ingress of shop\/db: it is isolated by shop\/db and shop\/default-deny, and the nearest rule, /,
      ),
      'ingress shop/db: deny, isolated by shop/db, shop/default-deny',
      '  nearest miss shop/db spec.ingress[0].ports[0]',
      '    test/manifests/shop/policies.yaml:23: - port: 5432',
      '',
    ])
  })

  test('in colour on a screen only', async () => {
    let out = ''
    const screen = { out: (text: string) => (out += text), err: () => undefined, colour: true }
    await runCommandLine(['explain', '--manifests', SHOP, 'shop/db', '192.0.2.1', '80'], screen)
    expect(out.startsWith('\u001B[32mallow\u001B[39m  shop/db')).toBe(true)
  })
})

describe('what is wrong in the manifests is told, and the rest answers', () => {
  test('an invalid policy isolates', async () => {
    const directory = temporaryDirectory({
      'a.yaml': `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: bad, namespace: shop}
spec:
  podSelector: {}
  ingress: [{port: 80}]
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
`,
    })
    const { code, out, err } = await sluice(
      'explain',
      '--manifests',
      directory,
      '192.0.2.1',
      'shop/web',
      '80',
      '--json',
    )
    expect(code).toBe(1)
    expect(err).toBe(
      `${directory}/a.yaml:6: document 1, NetworkPolicy shop/bad spec.ingress[0].port: is not a field of this object; did you mean ports?
sluice: ${directory} has an error, told above. The answer is what holds until it is mended.\n`,
    )
    expect(JSON.parse(out)).toMatchObject({
      verdict: 'deny',
      ingress: { isolatedBy: ['shop/bad'], nearestMiss: null },
    })
  })
})

describe('what cannot be answered has exit code 1', () => {
  test.each([
    ['shop/web', `The manifests have no pod shop/web. Did you mean shop/web-0?`],
    ['shop/dbb', `The manifests have no pod shop/dbb. Did you mean shop/db?`],
    [
      'nowhere/else-entirely',
      'The manifests have no pod nowhere/else-entirely. Name one that they declare.',
    ],
    [
      'constructor/__proto__',
      'The manifests have no pod constructor/__proto__. Name one that they declare.',
    ],
  ])('the pod %s', async (pod, message) => {
    expect(await explain(pod, 'shop/db', '80')).toEqual({
      code: 1,
      out: '',
      err: `sluice: ${message}\n`,
    })
  })

  test('a directory that is not there', async () => {
    const { code, err } = await sluice('explain', '--manifests', '/nowhere', 'a/b', 'c/d', '80')
    expect(code).toBe(1)
    expect(err).toMatch(/^sluice: The manifest directory \/nowhere cannot be read \(ENOENT\)/)
  })
})

describe('wrong usage has exit code 2, and says what is right', () => {
  test.each([
    [['web', 'shop/db', '80'], /Write a pod as namespace\/name, or an IP address/],
    [['shop/web/x', 'shop/db', '80'], /Write a pod as namespace\/name/],
    [['010.0.0.1', 'shop/db', '80'], /Write a pod as namespace\/name/],
    [['shop/db', 'shop/db', '0'], /Write a port from 1 to 65535/],
    [['shop/db', 'shop/db', '65536'], /Write a port from 1 to 65535/],
    [['shop/db', 'shop/db', '80/ICMP'], /Write a port from 1 to 65535/],
    [['shop/db', 'shop/db', 'http'], /Write a port from 1 to 65535/],
    [['shop/db', 'shop/db'], /missing required argument 'port'/],
    [['shop/db', 'shop/db', '80', '--jsn'], /unknown option '--jsn'/],
    [['shop/db', 'shop/db', '80', 'more'], /too many arguments/],
  ])('%j', async (args, message) => {
    const { code, out, err } = await explain(...args)
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toMatch(message)
  })

  test('no directory', async () => {
    const { code, err } = await sluice('explain', 'a/b', 'c/d', '80')
    expect(code).toBe(2)
    expect(err).toMatch(/required option '--manifests <dir>' not specified/)
  })

  test('no command, or one that there is not', async () => {
    expect(await sluice()).toMatchObject({ code: 2, err: expect.stringMatching(/Usage: sluice/) })
    expect(await sluice('explian')).toMatchObject({
      code: 2,
      err: expect.stringMatching(/unknown command 'explian'/),
    })
  })
})

test('help is no error', async () => {
  expect(await sluice('--help')).toMatchObject({ code: 0, err: '' })
  expect(await sluice('explain', '--help')).toMatchObject({
    code: 0,
    out: expect.stringMatching(/--manifests <dir>/),
  })
})
