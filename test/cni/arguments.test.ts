import { describe, expect, test } from 'vitest'
import { parseAddArguments, parseAttachmentKey } from '../../src/cni/arguments.ts'
import { CniError } from '../../src/cni/errors.ts'

const ARGS = 'IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=cart-0;K8S_POD_UID=4f-2'
const VALID = {
  CNI_CONTAINERID: 'c0ffee',
  CNI_NETNS: '/var/run/netns/cni-1',
  CNI_IFNAME: 'eth0',
  CNI_ARGS: ARGS,
}

function environment(changes: Partial<Record<keyof typeof VALID, string>>): Map<string, string> {
  return new Map(Object.entries({ ...VALID, ...changes }))
}

test('what a runtime sends', () => {
  expect(parseAddArguments(environment({}))).toEqual({
    containerId: 'c0ffee',
    ifName: 'eth0',
    netns: '/var/run/netns/cni-1',
    pod: { namespace: 'shop', name: 'cart-0', uid: '4f-2' },
  })
})

test.each([
  ['K8S_POD_NAMESPACE=a;K8S_POD_NAME=b', ''],
  [';K8S_POD_NAMESPACE=a;;K8S_POD_NAME=b;', ''],
  ['K8S_POD_NAMESPACE=a;K8S_POD_NAME=b;K8S_POD_INFRA_CONTAINER_ID=x;K8S_POD_UID=7', '7'],
  ['IgnoreUnknown=true;FUTURE=x=y;K8S_POD_NAMESPACE=a;K8S_POD_NAME=b', ''],
])('CNI_ARGS %s', (CNI_ARGS, uid) => {
  expect(parseAddArguments(environment({ CNI_ARGS })).pod).toEqual({
    namespace: 'a',
    name: 'b',
    uid,
  })
})

describe('an ADD is refused with the name of the variable', () => {
  test.each([
    [{ CNI_CONTAINERID: '' }, 'CNI_CONTAINERID is missing'],
    [{ CNI_CONTAINERID: '../x' }, 'CNI_CONTAINERID must be a letter or digit'],
    [{ CNI_CONTAINERID: 'x'.repeat(254) }, 'CNI_CONTAINERID must be'],
    [{ CNI_NETNS: '' }, 'CNI_NETNS is missing'],
    [{ CNI_NETNS: 'netns/a' }, 'CNI_NETNS must be an absolute path, not "netns/a"'],
    [{ CNI_IFNAME: '' }, 'CNI_IFNAME is missing'],
    [{ CNI_IFNAME: '..' }, 'CNI_IFNAME must be an interface name'],
    [{ CNI_IFNAME: 'a/b' }, 'CNI_IFNAME must be an interface name'],
    [{ CNI_IFNAME: 'a:b' }, 'CNI_IFNAME must be an interface name'],
    [{ CNI_IFNAME: 'a b' }, 'CNI_IFNAME must be an interface name'],
    [{ CNI_IFNAME: 'sixteen-letters-' }, 'CNI_IFNAME must be an interface name'],
    [{ CNI_ARGS: '' }, 'K8S_POD_NAMESPACE is missing'],
    [{ CNI_ARGS: 'K8S_POD_NAMESPACE=a' }, 'K8S_POD_NAME is missing'],
    [{ CNI_ARGS: 'K8S_POD_NAMESPACE=A;K8S_POD_NAME=b' }, 'K8S_POD_NAMESPACE must be the name'],
    [{ CNI_ARGS: 'K8S_POD_NAMESPACE=a;K8S_POD_NAME=b/../c' }, 'K8S_POD_NAME must be the name'],
    [
      { CNI_ARGS: 'K8S_POD_NAMESPACE=a;K8S_POD_NAME=b;K8S_POD_UID=;X=1' },
      'CNI_ARGS must be only names',
    ],
    [{ CNI_ARGS: 'K8S_POD_NAMESPACE' }, 'CNI_ARGS must be NAME=VALUE pairs'],
  ])('%j', (changes, message) => {
    expect(() => parseAddArguments(environment(changes))).toThrow(message)
    expect(() => parseAddArguments(environment(changes))).toThrow(CniError)
  })
})

test('a DEL needs its key and nothing else', () => {
  const left = new Map([
    ['CNI_CONTAINERID', 'c0ffee'],
    ['CNI_IFNAME', 'eth0'],
    ['CNI_ARGS', 'garbage'],
  ])
  expect(parseAttachmentKey(left)).toEqual({ containerId: 'c0ffee', ifName: 'eth0' })
  expect(() => parseAttachmentKey(new Map())).toThrow('CNI_CONTAINERID is missing')
})

test('. alone is no name, but dots are fine within one', () => {
  expect(() => parseAttachmentKey(environment({ CNI_IFNAME: '.' }))).toThrow('CNI_IFNAME')
  expect(parseAttachmentKey(environment({ CNI_IFNAME: 'eth0.100' })).ifName).toBe('eth0.100')
})
