import { join } from 'node:path'
import { PodNetworkError, reasonOf } from './errors.ts'

/**
 * Whether the packets that a bridge passes from port to port are shown to nftables (kernel: br_netfilter,
 * Documentation/networking/ip-sysctl). Per network namespace since Linux 5.3.
 */
const SWITCHES = ['bridge-nf-call-iptables', 'bridge-nf-call-ip6tables'] as const

export interface BridgeFilterParts {
  /** Where /proc/sys can be written. */
  readonly procSys: string
  /** Both in the node's namespace. */
  readonly readFile: (path: string) => string
  readonly writeFile: (path: string, text: string) => void
}

/**
 * Sees to it that packets between two pods on one bridge are judged.
 *
 * @returns the switches that were off, now on
 * @throws PodNetworkError (notEnforceable) with a sentence that says what the host must have
 */
export function requireBridgeFilter({
  procSys,
  readFile,
  writeFile,
}: BridgeFilterParts): readonly string[] {
  return SWITCHES.filter((name) => {
    const path = join(procSys, 'net/bridge', name)
    if (valueOf(path, readFile) === '1') return false
    try {
      writeFile(path, '1')
    } catch (cause) {
      throw notJudged(
        `net.bridge.${name} is 0 and cannot be set (${reasonOf(cause)}). Run on the node: sysctl -w net.bridge.${name}=1`,
        cause,
      )
    }
    return true
  })
}

function valueOf(path: string, readFile: BridgeFilterParts['readFile']): string {
  try {
    return readFile(path).trim()
  } catch (cause) {
    throw notJudged(
      'the kernel module br_netfilter is not loaded. Run on the node: modprobe br_netfilter, and name it in /etc/modules-load.d for the next start',
      cause,
    )
  }
}

function notJudged(reason: string, cause: unknown): PodNetworkError {
  return new PodNetworkError(
    'notEnforceable',
    `Packets between pods on one bridge of this node would pass policy by: ${reason}`,
    cause,
  )
}
