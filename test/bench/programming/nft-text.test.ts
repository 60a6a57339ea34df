import { describe, expect, test } from 'vitest'
import { nftText } from '../../../bench/programming/nft-text.ts'
import { map, set } from '../../../src/nftables/set.ts'
import { Transaction } from '../../../src/nftables/transaction.ts'
import { ip4, ip6 } from '../../../src/policy/address.ts'

const TABLE = { family: 'inet', table: 'sluice' } as const
const FIRST = ip4(0x0a00_0001)

describe('a transaction as nft reads it', () => {
  test('replaces an element of a map', () => {
    const podClass = map('pod_class4', ['ipv4_addr'], ['classid'])
    const transaction = new Transaction(TABLE).replaceElements(podClass, [{ key: FIRST, data: 17 }])
    expect(nftText(transaction)).toBe(
      'delete element inet sluice pod_class4 { 10.0.0.1 : 0:11 }\n' +
        'add element inet sluice pod_class4 { 10.0.0.1 : 0:11 }\n',
    )
  })

  test('has concatenated keys, port sets with their high bit and several elements', () => {
    const rows = map('in_ports6', ['ipv6_addr', 'classid'], ['classid'])
    const elements = [18, 19].map((id) => ({ key: [ip6(1n), id], data: 0x8000_0002 }) as const)
    expect(nftText(new Transaction(TABLE).createElements(rows, elements))).toBe(
      'add element inet sluice in_ports6 { ::1 . 0:12 : 8000:2, ::1 . 0:13 : 8000:2 }\n',
    )
  })

  test('has ranges, in a concatenation field by field', () => {
    const blocks = map('block_class4', ['ipv4_addr'], ['classid'], { flags: ['interval'] })
    const ports = set('ports_range', ['classid', 'inet_proto', 'inet_service'])
    const transaction = new Transaction(TABLE)
      .createElements(blocks, [{ key: FIRST, last: ip4(0x0a00_0004), data: 16 }])
      .createElements(ports, [{ key: [17, 6, 80], last: [17, 6, 90] }])
    expect(nftText(transaction)).toBe(
      'add element inet sluice block_class4 { 10.0.0.1-10.0.0.4 : 0:10 }\n' +
        'add element inet sluice ports_range { 0:11 . 6 . 80-90 }\n',
    )
  })

  test('is refused for anything but elements', () => {
    expect(() => nftText(new Transaction(TABLE).createChain('forward'))).toThrow(
      'There is no text for addChain',
    )
  })
})
