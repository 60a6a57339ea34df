import type { Probe } from './probe.ts'

export interface DemoStep {
  /** A directory of manifests below `demo/`. */
  readonly directory: string
  readonly title: string
  /** Probes whose answer is explained. */
  readonly explained: readonly Probe[]
}

const WEB_TO_API = { from: 'shop/web-0', to: 'shop/api-0', port: 3000, protocol: 'TCP' } as const
const WEB_TO_DB = { from: 'shop/web-0', to: 'shop/db-0', port: 5432, protocol: 'TCP' } as const
export const API_TO_DB = {
  from: 'shop/api-0',
  to: 'shop/db-0',
  port: 5432,
  protocol: 'TCP',
} as const

export const DEMO_NODES = 2

export const DEMO_STEPS: readonly DemoStep[] = [
  {
    directory: '1-open',
    title: 'No policy: everyone reaches everyone',
    explained: [WEB_TO_DB],
  },
  {
    directory: '2-default-deny',
    title: 'Default deny: the shop hears nobody and calls nobody',
    explained: [
      { from: 'default/outsider', to: 'kube-system/dns', port: 53, protocol: 'UDP' },
      WEB_TO_DB,
    ],
  },
  {
    directory: '3-rules',
    title: 'Rules: who calls whom, by label, namespace, port name, port range and address',
    explained: [WEB_TO_API, WEB_TO_DB],
  },
  {
    directory: '4-withdrawn',
    title: 'One rule withdrawn while a connection is open: the backend loses the database',
    explained: [WEB_TO_API, API_TO_DB],
  },
]

/** A customer, one from a network that is excepted, and the payment provider: hosts outside the cluster. */
const CUSTOMERS = ['203.0.113.10', '2001:db8:113::10']
const EXCEPTED = ['203.0.113.77', '2001:db8:113:bad::77']
const PROVIDER = ['198.51.100.7', '2001:db8:100::7']

/** Probes between pods and real hosts outside. */
export const OUTSIDE_PROBES: readonly Probe[] = [
  ...[...CUSTOMERS, ...EXCEPTED].flatMap((from) => [
    { from, to: 'shop/web-0', port: 8080, protocol: 'TCP' } as const,
    { from, to: 'shop/api-0', port: 3000, protocol: 'TCP' } as const,
  ]),
  ...['shop/api-0', 'shop/web-0', 'default/outsider'].flatMap((from) =>
    PROVIDER.map((to) => ({ from, to, port: 443, protocol: 'TCP' }) as const),
  ),
]
