import { familyOf } from '../policy/address.ts'
import type { Attachment } from './attachment.ts'
import { loopbackSetting } from './settings.ts'
import type { WiringOptions } from './wiring.ts'
import { writeSettings } from './write-settings.ts'

/** Lets the node's 127.0.0.1 use the link of a pod with host ports, or no longer: as the agent's options say. */
export function setLoopback(
  { addresses, hostInterface, portMappings }: Attachment,
  { localhostHostPorts, nodeNetns, writeFilesIn }: WiringOptions,
): void {
  const isIpv4 = addresses.some((address) => familyOf(address) === 4)
  if (portMappings.length === 0 || !isIpv4) return
  writeSettings(loopbackSetting(hostInterface, localhostHostPorts), nodeNetns, writeFilesIn)
}
