import { describe, expect, test } from 'vitest'
import { type AddressFlow, classOf, decide } from '../../src/policy/decide.ts'
import { unionOf } from '../../src/policy/port-set.ts'
import { type ClassId, type PortSetId, type Tables, WORLD } from '../../src/policy/tables.ts'
import { address } from './literals.ts'
import { tcp } from './models.ts'

const [CLOSED, WEB] = [1 as PortSetId, 2 as PortSetId]
const [POD, BLOCK] = [17 as ClassId, 18 as ClassId]

const TABLES: Tables = {
  portSets: new Map([
    [CLOSED, unionOf([])],
    [WEB, unionOf([tcp(80)])],
  ]),
  podClasses: new Map([
    [address('10.0.0.1'), WORLD],
    [address('10.0.0.2'), POD],
    [address('fd00::2'), POD],
  ]),
  blockClasses: {
    4: [{ first: address('10.0.0.0'), last: address('10.0.0.255'), class: BLOCK }],
    6: [{ first: address('fd00::'), last: address('fd00::ff'), class: BLOCK }],
  },
  subjects: {
    ingress: new Map([[address('10.0.0.1'), { default: CLOSED, rows: new Map([[POD, WEB]]) }]]),
    egress: new Map([[address('10.0.0.2'), { default: WEB, rows: new Map([[BLOCK, CLOSED]]) }]]),
  },
}

test.each([
  ['10.0.0.2', POD],
  ['10.0.0.1', WORLD],
  ['10.0.0.3', BLOCK],
  ['10.0.1.0', WORLD],
  ['fd00::2', POD],
  ['fd00::3', BLOCK],
  ['::a00:3', WORLD],
])('the class of %s is %i: its pod’s, else its block’s', (text, id) => {
  expect(classOf(TABLES, address(text))).toBe(id)
})

describe('decides', () => {
  function ask(direction: 'ingress' | 'egress', from: string, to: string, port?: number): string {
    const ends = { from: address(from), to: address(to) }
    const flow: AddressFlow =
      port === undefined ? { ...ends, protocol: 'ICMP' } : { ...ends, protocol: 'TCP', port }
    return decide(TABLES, direction, flow)
  }

  test('by the row of the class', () => {
    expect(ask('ingress', '10.0.0.2', '10.0.0.1', 80)).toBe('allow')
    expect(ask('ingress', '10.0.0.2', '10.0.0.1', 81)).toBe('deny')
    expect(ask('ingress', '10.0.0.2', '10.0.0.1')).toBe('deny')
    expect(ask('egress', '10.0.0.2', '10.0.0.9', 80)).toBe('deny')
  })

  test('by the default where the class has no row', () => {
    expect(ask('ingress', '10.0.0.9', '10.0.0.1', 80)).toBe('deny')
    expect(ask('egress', '10.0.0.2', '192.0.2.1', 80)).toBe('allow')
  })

  test('to allow what is not isolated in that direction', () => {
    expect(ask('egress', '10.0.0.1', '10.0.0.9', 1)).toBe('allow')
    expect(ask('ingress', '10.0.0.9', '10.0.0.2', 1)).toBe('allow')
  })

  test('to allow an address to reach itself', () => {
    expect(ask('ingress', '10.0.0.1', '10.0.0.1', 1)).toBe('allow')
    expect(ask('egress', '10.0.0.2', '10.0.0.2', 1)).toBe('allow')
  })
})
