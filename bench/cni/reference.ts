import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Plugin, PluginPlace } from './plugin.ts'

/** Where Debian's `containernetworking-plugins` has them. */
const DIRECTORY = '/usr/lib/cni'

/** What they have besides `ipam`. Neither Sluice nor these masquerade here. */
const CONFIGURATIONS = {
  ptp: { ipMasq: false, mtu: 1500 },
  bridge: { bridge: 'cni0', isDefaultGateway: true, ipMasq: false, mtu: 1500 },
} as const

export type ReferenceName = keyof typeof CONFIGURATIONS

/**
 * A reference plugin with `host-local`, dual stack. Its records are in memory, as ours are; by default they are
 * on disk.
 *
 * @throws Error when the plugins are not installed
 */
export function referencePlugin(name: ReferenceName, { scratch }: PluginPlace): Plugin {
  const program = join(DIRECTORY, name)
  if (!existsSync(program)) {
    throw new Error(`${program} is missing. Run: apt-get install containernetworking-plugins`)
  }
  // `bridge` makes its own default routes.
  const routes = name === 'ptp' ? { routes: [{ dst: '0.0.0.0/0' }, { dst: '::/0' }] } : {}
  return {
    name: `${name}+host-local`,
    program,
    config: {
      cniVersion: '1.0.0',
      name: `bench-${name}`,
      type: name,
      ...CONFIGURATIONS[name],
      ipam: {
        type: 'host-local',
        dataDir: join(scratch, 'host-local'),
        ranges: [[{ subnet: '10.94.0.0/20' }], [{ subnet: 'fd00:10:94::/64' }]],
        ...routes,
      },
    },
    environment: { CNI_PATH: DIRECTORY },
    enforces: false,
    stop: () => Promise.resolve(),
  }
}
