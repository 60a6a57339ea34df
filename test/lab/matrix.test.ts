import { describe, expect, test } from 'vitest'
import { matrixText } from '../../src/lab/matrix.ts'
import { address } from '../policy/literals.ts'
import { result } from './parts.ts'

const six = {
  source: { place: 'a/a', address: address('fd00::1') },
  destination: { place: 'b/b', address: address('fd00::2') },
}
const denied = { expected: 'deny', actual: 'deny' } as const
const plain = { width: 80, paint: (_kind: string, text: string) => text }

describe('matrixText', () => {
  test('a row a source, a column a port, and a legend of what occurs', () => {
    const text = matrixText(
      [
        result({}),
        result({ ...six }),
        result({ to: 'b/b', port: undefined, protocol: 'ICMP', ...denied }),
        result({ from: '203.0.113.9', ...denied }),
        result({ from: 'c/c' }),
        result({ from: 'c/c', ...six, ...denied }),
        result({ from: 'd/d', agreed: false }),
        result({ from: 'e/e', ...six }),
        result({ from: 'e/e', ...denied }),
      ],
      plain,
    )
    expect(text).toBe(`\
from            1   2
a/a             ✓   ·
203.0.113.9     ·
c/c             4
d/d             !
e/e             6

   1 b/b 80/TCP     2 b/b ICMP

✓ arrives   · denied   4/6 arrives by that family only   ! not as expected
`)
  })

  test('is cut where the screen ends, with numbers that go on', () => {
    const results = Array.from({ length: 30 }, (_, index) => result({ port: index + 1 }))
    const text = matrixText(results, { ...plain, width: 40 })
    const lines = text.split('\n')
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(40)
    const numbers = lines
      .filter((line) => line.startsWith('from'))
      .join(' ')
      .match(/\d+/g)
    expect(numbers).toEqual(Array.from({ length: 30 }, (_, index) => `${index + 1}`))
  })
})
