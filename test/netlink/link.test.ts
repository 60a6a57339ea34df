import { expect, test } from 'vitest'
import type { ValuesOf } from '../../src/netlink/attributes.ts'
import { encode } from '../../src/netlink/encode.ts'
import { ifinfomsg } from '../../src/netlink/headers.ts'
import { readLink } from '../../src/netlink/link.ts'
import { IFLA, IFLA_BR } from '../../src/netlink/link-table.ts'
import { MESSAGE_TYPES } from '../../src/netlink/message-types.ts'
import { encodeStruct } from '../../src/netlink/struct.ts'

test.each([
  ['a bridge that tells VLANs apart', 'bridge', 1, true],
  ['a bridge that does not', 'bridge', 0, false],
  ['another link, whose data has another meaning', 'vlan', 1, false],
])('%s', (_, kind, filtering, expected) => {
  const data = encode(IFLA_BR, { IFLA_BR_VLAN_FILTERING: filtering })
  const link = linkOf({ IFLA_LINKINFO: { IFLA_INFO_KIND: kind, IFLA_INFO_DATA: data } })
  expect(link).toMatchObject({ kind, vlanFiltering: expected })
})

test('a bridge of a kernel without VLANs says nothing of them', () => {
  expect(linkOf({ IFLA_LINKINFO: { IFLA_INFO_KIND: 'bridge' } }).vlanFiltering).toBe(false)
})

function linkOf(values: ValuesOf<typeof IFLA>) {
  const payload = Buffer.concat([encodeStruct(ifinfomsg, { ifi_index: 7 }), encode(IFLA, values)])
  return readLink({ type: MESSAGE_TYPES.RTM_NEWLINK, flags: 0, sequence: 1, portId: 1, payload })
}
