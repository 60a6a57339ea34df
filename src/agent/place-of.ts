import { hostPortsOf } from '../dataplane/host-ports.ts'
import type { PodPlace } from '../dataplane/pod-place.ts'
import { type Attachment, ownsChainedInterface } from '../pods/attachment.ts'

/** An attachment as the data plane knows it. */
export function placeOf(attachment: Attachment): PodPlace {
  const { addresses, hostInterface, portMappings } = attachment
  return {
    addresses,
    hostInterface,
    hostPorts: hostPortsOf(portMappings, addresses),
    ownsChained: ownsChainedInterface(attachment),
  }
}
