import { describe, expect, test } from 'vitest'
import { parseAddArguments, parseAttachmentKey } from '../../src/cni/arguments.ts'
import { ip4 } from '../../src/policy/address.ts'
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
    requested: { ip: undefined, mac: undefined },
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
    [{ CNI_ARGS: '' }, 'no K8S_POD_NAMESPACE, and the network configuration no defaultNamespace'],
    [{ CNI_ARGS: 'K8S_POD_NAMESPACE=;K8S_POD_NAME=b' }, 'no K8S_POD_NAMESPACE'],
    [{ CNI_ARGS: 'K8S_POD_NAMESPACE=a' }, 'K8S_POD_NAME is missing'],
    [{ CNI_ARGS: 'K8S_POD_NAMESPACE=A;K8S_POD_NAME=b' }, 'K8S_POD_NAMESPACE must be the name'],
    [{ CNI_ARGS: 'K8S_POD_NAMESPACE=a;K8S_POD_NAME=b/../c' }, 'K8S_POD_NAME must be the name'],
    [
      { CNI_ARGS: 'K8S_POD_NAMESPACE=a;K8S_POD_NAME=b;K8S_POD_UID=;X=1' },
      'CNI_ARGS must be only names',
    ],
    [{ CNI_ARGS: `${ARGS};IP=10.0.0` }, 'IP must be an address, not "10.0.0"'],
    [{ CNI_ARGS: `${ARGS};MAC=01:00:00:00:00:01` }, 'MAC must be the MAC address of one'],
    [{ CNI_ARGS: 'K8S_POD_NAMESPACE' }, 'CNI_ARGS must be NAME=VALUE pairs'],
  ])('%j', (changes, message) => {
    expect(() => parseAddArguments(environment(changes))).toThrow(message)
    expect(() => parseAddArguments(environment(changes))).toThrow(CniError)
  })
})

describe('a container that is not of Kubernetes', () => {
  test.each([
    ['ctr, cnitool', '', 'c0ffee'],
    ['podman', 'IgnoreUnknown=1;K8S_POD_NAME=wizardly_Pike', 'wizardly_Pike'],
  ])('%s: a pod of the default namespace, by name, else by id', (_, CNI_ARGS, name) => {
    expect(parseAddArguments(environment({ CNI_ARGS }), 'tools').pod).toEqual({
      namespace: 'tools',
      name,
      uid: '',
    })
  })

  test('its name must be one', () => {
    const odd = environment({ CNI_ARGS: 'K8S_POD_NAME=a/b' })
    expect(() => parseAddArguments(odd, 'tools')).toThrow('K8S_POD_NAME must be the name of a')
  })

  test('what names a namespace is a pod of it, and must have the name of one', () => {
    const of = (CNI_ARGS: string) => parseAddArguments(environment({ CNI_ARGS }), 'tools').pod
    expect(of('K8S_POD_NAMESPACE=shop;K8S_POD_NAME=cart-0').namespace).toBe('shop')
    expect(() => of('K8S_POD_NAMESPACE=shop')).toThrow('K8S_POD_NAME is missing')
    expect(() => of('K8S_POD_NAMESPACE=shop;K8S_POD_NAME=a_b')).toThrow('the name of a pod')
  })
})

test('the addresses that podman asks for', () => {
  const CNI_ARGS = 'IgnoreUnknown=1;K8S_POD_NAME=box;MAC=02:00:00:00:00:0A;IP=10.0.0.7'
  const { requested } = parseAddArguments(environment({ CNI_ARGS }), 'tools')
  expect(requested).toEqual({ ip: ip4(0x0a_00_00_07), mac: '02:00:00:00:00:0a' })
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
