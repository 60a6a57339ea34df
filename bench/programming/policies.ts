import { blockOf, ip4 } from '../../src/policy/address.ts'
import type { NetworkPolicy, Peer, Port, PortMatch, Selector } from '../../src/policy/model.ts'
import { parsePort } from '../../src/policy/port.ts'
import { EVERYTHING, makeSelector } from '../../src/policy/selector.ts'

/**
 * The kinds of policies that people write, all of them in every namespace that has enough: closed by default;
 * one application to another; a tier of another team by named port; out to the cluster's DNS, to neighbours and to
 * blocks outside; the metrics of all pods for the monitoring.
 */
export function policyAt(index: number, namespaces: number): NetworkPolicy {
  const home = index % namespaces
  const turn = Math.floor(index / namespaces)
  const kind = (turn + home) % KINDS.length
  const app = (3 * turn + 7 * home) % 10
  const shape = KINDS[kind]?.({ home, app }) ?? {}
  return {
    namespace: `ns-${home}`,
    name: `policy-${index}`,
    podSelector: EVERYTHING,
    ingress: undefined,
    egress: undefined,
    ...shape,
  }
}

interface Place {
  readonly home: number
  readonly app: number
}

const KINDS: readonly ((place: Place) => Partial<NetworkPolicy>)[] = [
  () => ({ ingress: [] }),
  ({ app }) => ({
    podSelector: labelled({ app: `app-${app}` }),
    ingress: [{ peers: [ownPods({ app: `app-${(app + 1) % 10}` })], ports: [tcp(8080)] }],
  }),
  ({ home, app }) => ({
    podSelector: labelled({ app: `app-${app}` }),
    ingress: [{ peers: [podsOf(teamAfter(home), { tier: 'frontend' })], ports: [HTTP] }],
  }),
  ({ home, app }) => ({
    podSelector: labelled({ app: `app-${app}` }),
    egress: [
      { peers: [podsOf({ 'kubernetes.io/metadata.name': 'ns-0' }, { app: 'app-0' })], ports: DNS },
      { peers: [ownPods({})], ports: 'all' },
      { peers: [OUTSIDE, partner(home % 8)], ports: [tcp(443)] },
    ],
  }),
  () => ({ ingress: [{ peers: [podsOf(MONITORING, { app: 'app-1' })], ports: [METRICS] }] }),
]

const MONITORING = { 'kubernetes.io/metadata.name': 'ns-1' }
const HTTP: PortMatch = { kind: 'named', protocol: 'TCP', name: 'http' }
const METRICS: PortMatch = { kind: 'named', protocol: 'TCP', name: 'metrics' }
const DNS: readonly PortMatch[] = [
  { kind: 'range', protocol: 'UDP', first: portOf(53), last: portOf(53) },
  tcp(53),
]
/** 0.0.0.0/0 except 10.0.0.0/8. */
const OUTSIDE: Peer = {
  kind: 'block',
  cidr: blockOf(ip4(0), 0),
  except: [blockOf(ip4(0x0a00_0000), 8)],
}

/** The blocks 198.51.100.0/28, 198.51.100.16/28 and so on. */
function partner(index: number): Peer {
  return { kind: 'block', cidr: blockOf(ip4(0xc633_6400 + 16 * index), 28), except: [] }
}

function teamAfter(home: number): Readonly<Record<string, string>> {
  return { team: `team-${(home + 1) % 20}` }
}

/** Pods of the policy's own namespace. */
export function ownPods(labels: Readonly<Record<string, string>>): Peer {
  return { kind: 'pods', namespaces: 'own', pods: labelled(labels) }
}

/** Pods of the namespaces with these labels. */
export function podsOf(
  namespaces: Readonly<Record<string, string>>,
  pods: Readonly<Record<string, string>>,
): Peer {
  return { kind: 'pods', namespaces: labelled(namespaces), pods: labelled(pods) }
}

/** `matchLabels`. */
export function labelled(labels: Readonly<Record<string, string>>): Selector {
  return makeSelector(
    Object.entries(labels).map(([key, value]) => ({ key, operator: 'In', values: [value] })),
  )
}

export function tcp(port: number): PortMatch {
  return { kind: 'range', protocol: 'TCP', first: portOf(port), last: portOf(port) }
}

/** @throws RangeError for what is no port. */
export function portOf(number: number): Port {
  const port = parsePort(number)
  if (port === undefined) throw new RangeError(`${number} is no port: it must be from 1 to 65535.`)
  return port
}
