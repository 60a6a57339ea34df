/** Kubernetes objects in short, for cases and tests. */

interface PodOptions {
  readonly labels?: Readonly<Record<string, string>>
  readonly ips?: readonly string[]
  readonly ports?: readonly unknown[]
  readonly spec?: Readonly<Record<string, unknown>>
  readonly status?: Readonly<Record<string, unknown>>
  readonly metadata?: Readonly<Record<string, unknown>>
}

/** `path` is `namespace/name`. */
export function pod(path: string, options: PodOptions = {}): unknown {
  const { labels = {}, ips = [], ports = [], spec, status, metadata } = options
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { ...named(path), labels, ...metadata },
    spec: { containers: [{ name: 'main', image: 'none', ports }], ...spec },
    status: { podIPs: ips.map((ip) => ({ ip })), ...status },
  }
}

export function namespace(name: string, labels: Readonly<Record<string, string>> = {}): unknown {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } }
}

export function policy(path: string, spec?: unknown): unknown {
  return { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: named(path), spec }
}

function named(path: string): { readonly namespace: string; readonly name: string } {
  const [namespaceName = '', name = ''] = path.split('/')
  return { namespace: namespaceName, name }
}

/** `{ app: 'web' }` as a selector. */
export function app(value: string): unknown {
  return { matchLabels: { app: value } }
}

/** A shop of three tiers, a monitoring namespace, IPv4 only; 192.0.2.0/24 is outside. */
export const SHOP: readonly unknown[] = [
  namespace('shop', { team: 'shop' }),
  namespace('ops', { team: 'ops' }),
  pod('shop/web', {
    labels: { app: 'web' },
    ips: ['10.0.0.1'],
    ports: [{ name: 'http', containerPort: 8080 }],
  }),
  pod('shop/api', {
    labels: { app: 'api', empty: '' },
    ips: ['10.0.0.2'],
    ports: [
      { name: 'http', containerPort: 80 },
      { name: 'dns', containerPort: 53, protocol: 'UDP' },
    ],
  }),
  pod('shop/db', { labels: { app: 'db' }, ips: ['10.0.0.3'] }),
  pod('ops/probe', { labels: { app: 'probe' }, ips: ['10.0.1.1'] }),
  pod('ops/web', { labels: { app: 'web' }, ips: ['10.0.1.2'] }),
]
