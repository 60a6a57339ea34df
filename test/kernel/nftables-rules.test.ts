import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { NetlinkSocket } from '../../src/netlink/socket.ts'
import { commit } from '../../src/nftables/commit.ts'
import { listRules } from '../../src/nftables/list.ts'
import { selectors } from '../../src/nftables/selectors.ts'
import { accept, masquerade } from '../../src/nftables/statements.ts'
import type { Statement } from '../../src/nftables/statements.ts'
import { Transaction } from '../../src/nftables/transaction.ts'
import { bridgeRules, bridgeSets, natRules, rules, sets } from '../nftables/rules.ts'
import { openNamespace } from './nftables-namespace.ts'
import type { Namespace } from './nftables-namespace.ts'

const chains = [
  ['filter', rules],
  ['dstnat', natRules],
] as const

let namespace: Namespace
let socket: NetlinkSocket

beforeAll(() => {
  namespace = openNamespace('rules')
  socket = namespace.socket
  for (const table of ['ours', 'theirs']) commit(socket, emptyProgram(table))
  commit(socket, ourRules())
  for (const [chain, texts] of chains) {
    const file = texts.map(([text]) => `add rule inet theirs ${chain} ${text}`).join('\n')
    namespace.nft(['-f', '-'], file)
  }
})
afterAll(() => namespace.close())

describe('rules', () => {
  // Versions of nft differ in their words: each lists ours as it lists its own.
  test.each(chains)('of %s are listed by nft like those that it made itself', (chain, texts) => {
    const own = listed('theirs', chain)
    expect(own).toHaveLength(texts.length)
    expect(listed('ours', chain)).toEqual(own)
  })

  test('are the same instructions, byte for byte, that nft makes of these words', () => {
    for (const [chain, texts] of chains) {
      const ours = listRules(socket, { family: 'inet', table: 'ours' }, chain)
      const theirs = listRules(socket, { family: 'inet', table: 'theirs' }, chain)
      expect(theirs).toHaveLength(texts.length)
      for (const [index, [text]] of texts.entries()) {
        const expected = hex(theirs[index]?.expressions).replace(SWAP_OF_ONE_BYTE, '')
        expect([text, hex(ours[index]?.expressions)]).toEqual([text, expected])
      }
    }
  })

  test('of a bridge are so too', () => {
    const [ours, theirs] = ['ours', 'theirs'].map((table) => {
      const transaction = new Transaction({ family: 'bridge', table }).addTable().addChain('frames')
      for (const node of Object.values(bridgeSets)) transaction.addSet(node)
      if (table === 'ours') {
        for (const [, ...statements] of bridgeRules) transaction.addRule('frames', statements)
      }
      commit(socket, transaction)
      if (table === 'theirs') {
        const file = bridgeRules.map(([text]) => `add rule bridge theirs frames ${text}`)
        namespace.nft(['-f', '-'], file.join('\n'))
      }
      return listRules(socket, { family: 'bridge', table }, 'frames').map(({ expressions }) =>
        hex(expressions),
      )
    })
    expect(theirs).toHaveLength(bridgeRules.length)
    expect(ours).toEqual(theirs)
    expect(namespace.nft(['list', 'table', 'bridge', 'ours'])).toContain('arp saddr ip')
  })

  test('every statement and every selector is among them', () => {
    const kinds: Record<Statement['kind'], true> = {
      compare: true,
      anyFlag: true,
      lookup: true,
      setMeta: true,
      verdict: true,
      counter: true,
      log: true,
      limit: true,
      oneIn: true,
      reject: true,
      update: true,
      dnat: true,
      masquerade: true,
    }
    const statements = [...rules, ...natRules].flatMap(([, ...rest]) => rest)
    const tried = new Set<string>(statements.map(({ kind }) => kind)).add(masquerade.kind)
    expect(Object.keys(kinds).filter((kind) => !tried.has(kind))).toEqual([])
    const words = [...rules, ...bridgeRules].map(([text]) => text).join('\n')
    expect(Object.keys(selectors).filter((selector) => !words.includes(selector))).toEqual([])
  })

  test('a comment is listed, and read back', () => {
    const table = { family: 'inet', table: 'ours' } as const
    commit(socket, new Transaction(table).addRule('other', [accept], 'why not'))
    expect(listed('ours', 'other')).toEqual(['accept comment "why not"'])
    expect(listRules(socket, table, 'other')).toEqual([
      expect.objectContaining({ chain: 'other', comment: 'why not' }),
    ])
  })
})

function emptyProgram(table: string): Transaction {
  const transaction = new Transaction({ family: 'inet', table })
    .addTable()
    .addCounter('spoofed')
    .addChain('other')
    .addChain('filter')
    .addChain('dstnat', { type: 'nat', hook: 'prerouting', priority: -95 })
  for (const node of Object.values(sets)) transaction.addSet(node)
  return transaction
}

function ourRules(): Transaction {
  const transaction = new Transaction({ family: 'inet', table: 'ours' })
  for (const [, ...statements] of rules) transaction.addRule('filter', statements)
  for (const [, ...statements] of natRules) transaction.addRule('dstnat', statements)
  return transaction
}

/** The rules of a chain as nft prints them. */
function listed(table: string, chain: string): string[] {
  return namespace
    .nft(['list', 'chain', 'inet', table, chain])
    .split('\n')
    .filter((line) => line.startsWith('\t\t') && !line.startsWith('\t\ttype '))
    .map((line) => line.trim())
}

/** nft 1.0.6 swaps the bytes of `meta l4proto` before it looks ranges up: it has one, nothing happens. */
const SWAP_OF_ONE_BYTE =
  '400001000e000100627974656f726465720000002c00020008000100000000090800020000000009' +
  '080003000000000108000400000000010800050000000002'

function hex(bytes: Uint8Array | undefined): string {
  return Buffer.from(bytes ?? []).toString('hex')
}
