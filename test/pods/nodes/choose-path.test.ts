import { expect, test } from 'vitest'
import { choosePath, type OverlayMode, type Reach } from '../../../src/pods/nodes/choose-path.ts'
import { type Address, type Family, formatAddress } from '../../../src/policy/address.ts'
import { address } from '../../policy/literals.ts'
import { node } from './nodes.ts'

const REACHES: Readonly<Record<string, Reach>> = {
  '10.0.0.2': { kind: 'neighbour', link: 7 },
  'fd00::2': { kind: 'neighbour', link: 8 },
  '10.9.0.3': { kind: 'routed' },
  'fd09::3': { kind: 'routed' },
}
const reach = (one: Address): Reach =>
  REACHES[formatAddress(one)] ?? { kind: 'unreachable', reason: 'ENETUNREACH.' }

function choose(family: Family, own: string[], remote: string[], mode: OverlayMode) {
  return choosePath(family, { own: node('a', [], own), remote: node('b', [], remote) }, mode, reach)
}

const BOTH = ['10.0.0.1', 'fd00::1']

test.each<[string, Family, string[], string[], OverlayMode, object]>([
  [
    'directly where the address is on a link',
    4,
    BOTH,
    ['10.0.0.2', 'fd00::2'],
    'auto',
    { kind: 'direct', gateway: address('10.0.0.2'), link: 7 },
  ],
  [
    'each family by its own address',
    6,
    BOTH,
    ['10.0.0.2', 'fd00::2'],
    'auto',
    { kind: 'direct', gateway: address('fd00::2'), link: 8 },
  ],
  [
    'through the overlay behind a gateway, in IPv4 where both have it',
    6,
    BOTH,
    ['10.9.0.3', 'fd09::3'],
    'auto',
    { kind: 'overlay', end: address('10.9.0.3') },
  ],
  [
    'the same whichever address comes first',
    4,
    ['fd00::1', '10.0.0.1'],
    ['fd09::3', '10.9.0.3'],
    'auto',
    { kind: 'overlay', end: address('10.9.0.3') },
  ],
  [
    'in IPv6 where one has nothing else',
    4,
    BOTH,
    ['fd09::3'],
    'auto',
    { kind: 'overlay', end: address('fd09::3') },
  ],
  [
    'IPv6 pods of nodes on one link without IPv6 addresses',
    6,
    ['10.0.0.1'],
    ['10.0.0.2'],
    'auto',
    { kind: 'overlay', end: address('10.0.0.2') },
  ],
  [
    'through the overlay to all where that is asked for',
    4,
    BOTH,
    ['10.0.0.2', 'fd00::2'],
    'always',
    { kind: 'overlay', end: address('10.0.0.2') },
  ],
  [
    'directly only, where that is asked for',
    4,
    BOTH,
    ['10.0.0.2'],
    'never',
    { kind: 'direct', gateway: address('10.0.0.2'), link: 7 },
  ],
  [
    'not at all behind a gateway without the overlay',
    4,
    BOTH,
    ['10.9.0.3'],
    'never',
    { kind: 'none', reason: '10.9.0.3 is on no link of this node, and --overlay is never.' },
  ],
  [
    'not at all in a family that the node has not, without the overlay',
    6,
    BOTH,
    ['10.0.0.2'],
    'never',
    { kind: 'none', reason: 'it has no IPv6 address, and --overlay is never.' },
  ],
  [
    'not at all where nothing leads',
    4,
    BOTH,
    ['192.0.2.1'],
    'auto',
    { kind: 'none', reason: '192.0.2.1 is unreachable: ENETUNREACH.' },
  ],
  [
    'not at all where nothing leads, without the overlay',
    4,
    BOTH,
    ['192.0.2.1'],
    'never',
    { kind: 'none', reason: '192.0.2.1 is unreachable: ENETUNREACH.' },
  ],
  [
    'not at all without addresses of one family',
    4,
    ['10.0.0.1'],
    ['fd09::3'],
    'auto',
    { kind: 'none', reason: 'it and this node have no addresses of one family.' },
  ],
])('%s', (_, family, own, remote, mode, path) => {
  expect(choose(family, own, remote, mode)).toEqual(path)
})
