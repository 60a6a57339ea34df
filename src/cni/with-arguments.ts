import type { RequestedInArguments } from './arguments.ts'
import type { NetworkConfig } from './config.ts'

/** The configuration with what CNI_ARGS asks for beside it. What the runtime asks by capability comes first. */
export function withArguments(
  config: NetworkConfig,
  { ip, mac }: RequestedInArguments,
): NetworkConfig {
  const { runtime } = config
  const ips = runtime.ips.length > 0 || ip === undefined ? runtime.ips : [ip]
  return { ...config, runtime: { ...runtime, ips, mac: runtime.mac ?? mac } }
}
