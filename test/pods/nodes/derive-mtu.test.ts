import { expect, test } from 'vitest'
import { deriveMtu } from '../../../src/pods/nodes/derive-mtu.ts'
import { type Address, formatAddress } from '../../../src/policy/address.ts'
import { address } from '../../policy/literals.ts'

const MTUS: Readonly<Record<string, number>> = {
  '10.0.0.1': 9000,
  'fd00::1': 9000,
  'fd00::2': 1500,
  '10.0.0.3': 1300,
  '10.0.0.4': 65_536,
}
const mtuOf = (one: Address): number | undefined => MTUS[formatAddress(one)]

test.each([
  ['with nothing around packets, that of the link', ['10.0.0.1'], 'never', 9000],
  ['less an IPv4 tunnel', ['10.0.0.1'], 'auto', 8950],
  ['less an IPv4 tunnel, always', ['10.0.0.1'], 'always', 8950],
  ['less an IPv6 tunnel where there is but IPv6', ['fd00::1'], 'auto', 8930],
  ['less an IPv4 tunnel where there are both', ['10.0.0.1', 'fd00::1'], 'auto', 8950],
  ['of the smaller link', ['10.0.0.1', 'fd00::2'], 'auto', 1450],
  ['never less than IPv6 needs', ['10.0.0.3'], 'auto', 1280],
  ['of Ethernet where no link has the address', ['10.9.9.9'], 'auto', 1450],
  ['of Ethernet where the address is the loopback’s', ['10.0.0.4'], 'never', 1500],
  ['of the link that has the other', ['10.0.0.4', 'fd00::2'], 'never', 1500],
  ['of Ethernet where no address is known', [], 'never', 1500],
] as const)('%s', (_, addresses, mode, mtu) => {
  expect(deriveMtu(addresses.map(address), mode, mtuOf)).toBe(mtu)
})
