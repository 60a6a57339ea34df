import type { BridgedPod } from '../dataplane/bridge-table.ts'
import type { Attachment } from '../pods/attachment.ts'

/** An attachment as `table bridge sluice` knows it; undefined where it is on no bridge. */
export function bridgedPodOf({ bridgePort, addresses }: Attachment): BridgedPod | undefined {
  return bridgePort && { port: bridgePort.name, mac: bridgePort.mac, addresses }
}
