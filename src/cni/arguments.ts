import type { PodIdentity } from '../pods/attachment.ts'
import { type Address, parseAddress } from '../policy/address.ts'
import { CniError } from './errors.ts'
import { NAMESPACE_NAME } from './namespace-name.ts'
import { parseMac } from './parse-mac.ts'

type Environment = ReadonlyMap<string, string>

/** Which interface of which container a verb is about: the key of everything that we store. */
export interface AttachmentKey {
  readonly containerId: string
  readonly ifName: string
}

/** The parameters of a CHECK. */
export interface CheckArguments extends AttachmentKey {
  /** Path of the container's network namespace. */
  readonly netns: string
}

/** The parameters of an ADD. */
export interface AddArguments extends CheckArguments {
  readonly pod: PodIdentity
  /** What podman asks for in CNI_ARGS rather than by a capability. */
  readonly requested: RequestedInArguments
}

/** `IP` and `MAC` of CNI_ARGS, as the reference plugins host-local and tuning have them. */
export interface RequestedInArguments {
  readonly ip: Address | undefined
  /** In lower case. */
  readonly mac: string | undefined
}

/**
 * The parameters of an ADD.
 *
 * @param defaultNamespace of containers that the runtime gives no Kubernetes namespace, which are refused without
 * @throws CniError (invalidEnvironment) that names the variable.
 */
export function parseAddArguments(
  environment: Environment,
  defaultNamespace?: string,
): AddArguments {
  const key = parseAttachmentKey(environment)
  const pairs = parsePairs(environment.get('CNI_ARGS') ?? '')
  return {
    ...parseCheckArguments(environment),
    pod: isNamespaced(pairs)
      ? kubernetesPod(pairs)
      : containerAsPod(pairs, key.containerId, defaultNamespace),
    requested: {
      ip: optional(pairs, 'IP', parseAddress, 'an address'),
      mac: optional(pairs, 'MAC', parseMac, 'the MAC address of one interface'),
    },
  }
}

/**
 * The parameters of a CHECK. It is about what ADD did, so nothing needs to be said of the pod again.
 *
 * @throws CniError (invalidEnvironment) that names the variable.
 */
export function parseCheckArguments(environment: Environment): CheckArguments {
  return {
    ...parseAttachmentKey(environment),
    netns: required(environment, 'CNI_NETNS', /^\/[^\0]*$/u, 'an absolute path'),
  }
}

/**
 * The parameters of a DEL: the namespace may be gone and the arguments lost (specification, DEL), so no more
 * than the key is asked for.
 *
 * @throws CniError (invalidEnvironment) that names the variable.
 */
export function parseAttachmentKey(environment: Environment): AttachmentKey {
  return {
    containerId: required(
      environment,
      'CNI_CONTAINERID',
      CONTAINER_NAME,
      'a letter or digit, then these and _ . -',
    ),
    // What the kernel's dev_valid_name accepts: 15 bytes and no '/', ':' or space.
    ifName: required(
      environment,
      'CNI_IFNAME',
      /^(?!\.{1,2}$)[\x21-\x2e\x30-\x39\x3b-\x7e]{1,15}$/u,
      'an interface name of at most 15 characters',
    ),
  }
}

/** Of ids (CNI specification, `CNI_CONTAINERID`) and, as podman has them, of names. */
const CONTAINER_NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,252}$/u
/** Each part is a DNS label (Kubernetes: names of pods). */
const POD_NAME = /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/u
const UID = /^[a-zA-Z0-9-]{0,128}$/u

/** Keys of CNI_ARGS that we read or may safely pass over. */
const KNOWN_PAIRS = new Set([
  'IgnoreUnknown',
  'K8S_POD_NAMESPACE',
  'K8S_POD_NAME',
  'K8S_POD_UID',
  'K8S_POD_INFRA_CONTAINER_ID',
  'IP',
  'MAC',
])

function isNamespaced(pairs: Environment): boolean {
  return (pairs.get('K8S_POD_NAMESPACE') ?? '') !== ''
}

function kubernetesPod(pairs: Environment): PodIdentity {
  return {
    namespace: required(pairs, 'K8S_POD_NAMESPACE', NAMESPACE_NAME, 'the name of a namespace'),
    name: required(pairs, 'K8S_POD_NAME', POD_NAME, 'the name of a pod'),
    // containerd before 1.6 and CRI-O before 1.23 do not send it.
    uid: matching('K8S_POD_UID', pairs.get('K8S_POD_UID') ?? '', UID, 'a UID'),
  }
}

/**
 * A container of a runtime that knows no Kubernetes. podman gives the container's name as `K8S_POD_NAME`,
 * `ctr` and cnitool give none. Without a namespace nobody could say which policies apply to it.
 */
function containerAsPod(
  pairs: Environment,
  containerId: string,
  defaultNamespace: string | undefined,
): PodIdentity {
  if (defaultNamespace === undefined) {
    throw new CniError(
      'invalidEnvironment',
      'CNI_ARGS has no K8S_POD_NAMESPACE, and the network configuration no defaultNamespace for containers that are not of Kubernetes',
    )
  }
  const name = pairs.get('K8S_POD_NAME') ?? ''
  return {
    namespace: defaultNamespace,
    name: matching('K8S_POD_NAME', name || containerId, CONTAINER_NAME, 'the name of a container'),
    uid: '',
  }
}

function parsePairs(text: string): Environment {
  const pairs = new Map<string, string>()
  for (const pair of text.split(';').filter((part) => part !== '')) {
    const equals = pair.indexOf('=')
    if (equals < 1) throw invalid('CNI_ARGS', pair, 'NAME=VALUE pairs separated by ;')
    pairs.set(pair.slice(0, equals), pair.slice(equals + 1))
  }
  const ignoreUnknown = /^(1|t|true)$/iu.test(pairs.get('IgnoreUnknown') ?? '')
  const unknown = [...pairs.keys()].find((name) => !KNOWN_PAIRS.has(name))
  if (unknown !== undefined && !ignoreUnknown) {
    throw invalid('CNI_ARGS', unknown, 'only names that sluice knows, unless IgnoreUnknown=1')
  }
  return pairs
}

function optional<T>(
  values: Environment,
  name: string,
  parse: (text: string) => T | undefined,
  expected: string,
): T | undefined {
  const value = values.get(name) ?? ''
  if (value === '') return undefined
  const parsed = parse(value)
  if (parsed === undefined) throw invalid(name, value, expected)
  return parsed
}

function required(values: Environment, name: string, pattern: RegExp, expected: string): string {
  const value = values.get(name) ?? ''
  if (value === '') throw new CniError('invalidEnvironment', `${name} is missing`)
  return matching(name, value, pattern, expected)
}

function matching(name: string, value: string, pattern: RegExp, expected: string): string {
  if (!pattern.test(value)) throw invalid(name, value, expected)
  return value
}

function invalid(name: string, value: string, expected: string): CniError {
  const shown = JSON.stringify(value.slice(0, 64))
  return new CniError('invalidEnvironment', `${name} must be ${expected}, not ${shown}`)
}
