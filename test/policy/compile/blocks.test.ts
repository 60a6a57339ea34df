import fc from 'fast-check'
import { expect, test } from 'vitest'
import { contains, formatAddress } from '../../../src/policy/address.ts'
import { type Block, blockAtoms } from '../../../src/policy/compile/blocks.ts'
import type { TraitId } from '../../../src/policy/compile/traits.ts'
import { locate } from '../../../src/policy/locate.ts'
import { ADDRESSES, peer } from '../arbitraries.ts'
import { cidr } from '../literals.ts'
import { check } from '../property.ts'

/** `10.0.0.0/8 10.1.0.0/16` is 10/8 except 10.1/16. Ids count from 1. */
function cut(...texts: string[]): string[] {
  return atomsOf(...texts).map(
    ({ first, last, blocks }) => `${formatAddress(first)}-${formatAddress(last)} ${blocks.join()}`,
  )
}

function atomsOf(...texts: string[]): ReturnType<typeof blockAtoms> {
  const blocks = texts.map((text, index) => {
    const [first, ...except] = text.split(' ').map(cidr)
    if (first === undefined) throw new Error(`${text} in a test is no block.`)
    return { id: (index + 1) as TraitId, cidr: first, except }
  })
  return blockAtoms(blocks)
}

test.each<[what: string, blocks: string[], atoms: string[]]>([
  ['no blocks, no atoms', [], []],
  ['one block is one atom', ['10.0.0.0/8'], ['10.0.0.0-10.255.255.255 1']],
  ['a whole family', ['0.0.0.0/0'], ['0.0.0.0-255.255.255.255 1']],
  ['the whole of IPv6', ['::/0'], ['::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 1']],
  [
    'a block within another cuts it in three',
    ['10.0.0.0/8', '10.1.0.0/16'],
    ['10.0.0.0-10.0.255.255 1', '10.1.0.0-10.1.255.255 1,2', '10.2.0.0-10.255.255.255 1'],
  ],
  [
    'except takes out of its own block only',
    ['10.0.0.0/30 10.0.0.2/32', '10.0.0.0/30'],
    ['10.0.0.0-10.0.0.1 1,2', '10.0.0.2-10.0.0.2 2', '10.0.0.3-10.0.0.3 1,2'],
  ],
  [
    'exceptions at both ends of the address space',
    ['0.0.0.0/0 0.0.0.0/1 255.255.255.255/32'],
    ['128.0.0.0-255.255.255.254 1'],
  ],
  [
    'an exception within an exception',
    ['10.0.0.0/29 10.0.0.0/30 10.0.0.1/32'],
    ['10.0.0.4-10.0.0.7 1'],
  ],
  [
    'an exception that begins where a longer one begins',
    ['10.0.0.0/29 10.0.0.0/31 10.0.0.0/30'],
    ['10.0.0.4-10.0.0.7 1'],
  ],
  ['exceptions that leave nothing', ['10.0.0.0/31 10.0.0.0/32 10.0.0.1/32'], []],
  [
    'exceptions that touch do not cut the blocks around them',
    ['10.0.0.0/29 10.0.0.2/32 10.0.0.3/32', '10.0.0.0/29'],
    ['10.0.0.0-10.0.0.1 1,2', '10.0.0.2-10.0.0.3 2', '10.0.0.4-10.0.0.7 1,2'],
  ],
])('%s', (_, blocks, atoms) => {
  expect(cut(...blocks)).toEqual(atoms)
})

const blocksOf = fc
  .array(peer, { maxLength: 20, size: 'max' })
  .map((peers): Block[] =>
    peers.flatMap((one, index) =>
      one.kind === 'block' ? [{ ...one, id: (index + 1) as TraitId }] : [],
    ),
  )

test('atoms are disjoint, ascending, not to be merged, and hold what their blocks hold', () => {
  const property = fc.property(blocksOf, fc.constantFrom<4 | 6>(4, 6), (all, family) => {
    const blocks = all.filter(
      ({ cidr }) => typeof cidr.first === (family === 4 ? 'number' : 'bigint'),
    )
    const atoms = blockAtoms(blocks)
    atoms.forEach((atom, index) => {
      expect(atom.first <= atom.last).toBe(true)
      const next = atoms[index + 1]
      if (next === undefined) return
      expect(atom.last < next.first).toBe(true)
      const touch = BigInt(atom.last) + 1n === BigInt(next.first)
      if (touch) expect(next.blocks).not.toEqual(atom.blocks)
    })
    for (const address of ADDRESSES[family]) {
      const holding = blocks
        .filter(
          ({ cidr, except }) =>
            contains(cidr, address) && !except.some((hole) => contains(hole, address)),
        )
        .map(({ id }) => id)
      expect(locate(atoms, address)?.blocks ?? []).toEqual(holding)
    }
  })
  check('atoms', 2000, property)
})
