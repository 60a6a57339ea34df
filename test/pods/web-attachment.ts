import type { Attachment } from '../../src/pods/attachment.ts'
import { ip4 } from '../../src/policy/address.ts'

/** A pod `shop/web-0` as Sluice attached it. */
export const WEB_ATTACHMENT: Attachment = {
  id: 'slc1',
  network: 'sluice',
  portMappings: [],
  wiredBy: 'sluice',
  pod: { namespace: 'shop', name: 'web-0', uid: 'u1' },
  containerId: 'c1',
  ifName: 'eth0',
  hostInterface: 'slc1',
  addresses: [ip4(0x0a00_0002)],
}
