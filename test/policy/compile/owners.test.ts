import { expect, test } from 'vitest'
import { Owners } from '../../../src/policy/compile/owners.ts'
import type { Pod } from '../../../src/policy/model.ts'
import { address } from '../literals.ts'
import { podOf } from '../models.ts'

const AT = address('10.0.0.1')

function claimant(name: string, rest: Partial<Pod>): Pod {
  return podOf(`a/${name}`, '', ['10.0.0.1'], rest)
}

/** From the strongest claim to the weakest. */
const CLAIMS = [
  claimant('wired here', { local: true, createdAt: 1 }),
  claimant('wired here before', { local: true }),
  claimant('latest', { createdAt: 9 }),
  claimant('greater uid', { createdAt: 5, uid: 'b' }),
  claimant('lesser uid', { createdAt: 5, uid: 'a' }),
  claimant('first', { createdAt: 4, uid: 'z' }),
]

test.each(CLAIMS.map((_, index) => index))(
  'the strongest claim of those there has the address, whatever their order (%i)',
  (turn) => {
    const owners = new Owners()
    const order = [...CLAIMS.slice(turn), ...CLAIMS.slice(0, turn)]
    for (const pod of order) owners.claim(pod)
    CLAIMS.forEach((pod, index) => {
      expect(owners.of(AT)).toBe(pod)
      owners.yield(pod)
      expect(owners.of(AT)).toBe(CLAIMS[index + 1])
    })
  },
)

test('a claim that never won can be taken back', () => {
  const owners = new Owners()
  const [winner, loser] = [claimant('winner', { createdAt: 2 }), claimant('loser', {})]
  owners.claim(winner)
  owners.claim(loser)
  owners.yield(loser)
  expect(owners.of(AT)).toBe(winner)
  owners.yield(winner)
  expect(owners.of(AT)).toBeUndefined()
})

test('an address named twice is one claim', () => {
  const owners = new Owners()
  const pod = podOf('a/twice', '', ['10.0.0.1', '10.0.0.1'])
  owners.claim(pod)
  owners.yield(pod)
  expect([...owners.addresses()]).toEqual([])
})
