import type { Family } from '../policy/address.ts'

/** Files in one directory under /proc/sys/net and what they shall hold (kernel: Documentation/networking/ip-sysctl). */
export interface Settings {
  readonly directory: string
  readonly values: Readonly<Record<string, string>>
  /** A kernel without this protocol has no such files, and needs none. */
  readonly optional: boolean
}

/** What a node needs to carry packets between its pods. To be written once, before the first pod. */
export function nodeSettings(families: ReadonlySet<Family>): Settings[] {
  const forwarding: Readonly<Record<Family, Settings>> = {
    4: { directory: '/proc/sys/net/ipv4', values: { ip_forward: '1' }, optional: false },
    6: settings(6, 'all', { forwarding: '1' }),
  }
  return [...families].map((family) => forwarding[family])
}

/** The node's end: the node neither believes what a pod says of routes nor tells it of any. */
export function hostSettings(hostInterface: string, families: ReadonlySet<Family>): Settings[] {
  return [
    settings(4, hostInterface, { accept_redirects: '0', send_redirects: '0' }),
    families.has(6)
      ? settings(6, hostInterface, { accept_ra: '0', accept_redirects: '0' })
      : settings(6, hostInterface, { disable_ipv6: '1' }, true),
  ]
}

/**
 * Whether the node's 127.0.0.1 may talk over this link, as it must for a host port of localhost. The data plane
 * keeps pods from talking to 127.0.0.0/8 themselves. IPv6 has no such setting. A link that has gone needs none.
 */
export function loopbackSetting(hostInterface: string, mayTalk: boolean): Settings {
  return settings(4, hostInterface, { route_localnet: mayTalk ? '1' : '0' }, true)
}

/**
 * The pod's end. Runtimes may switch IPv6 off in new namespaces; and as nobody else can have a pod's addresses,
 * duplicate detection would only hold its first packets back.
 */
export function podSettings(ifName: string, families: ReadonlySet<Family>): Settings[] {
  if (!families.has(6)) return []
  return [settings(6, ifName, { disable_ipv6: '0', accept_dad: '0', accept_ra: '0' })]
}

/**
 * A link of the overlay. The answer to what comes through it may leave by another link, which strict source
 * validation (rp_filter 1) would not bear.
 */
export function overlaySettings(name: string, families: ReadonlySet<Family>): Settings[] {
  return [
    settings(4, name, { rp_filter: '2', accept_redirects: '0', send_redirects: '0' }),
    families.has(6)
      ? settings(6, name, { disable_ipv6: '0', accept_ra: '0', accept_redirects: '0' })
      : settings(6, name, { disable_ipv6: '1' }, true),
  ]
}

function settings(
  family: Family,
  name: string,
  values: Readonly<Record<string, string>>,
  optional: boolean = false,
): Settings {
  return { directory: `/proc/sys/net/ipv${family}/conf/${name}`, values, optional }
}
