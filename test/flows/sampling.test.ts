import { expect, test } from 'vitest'
import { Sampling } from '../../src/flows/sampling.ts'

/** Like a socket: its methods are those of its class. */
class Session {
  readonly #close: () => void
  constructor(close: () => void) {
    this.#close = close
  }
  close(): void {
    this.#close()
  }
}

function scene() {
  const done: string[] = []
  const sampling = new Sampling((oneIn) => {
    if (oneIn === 13) throw new Error('The kernel cannot.')
    done.push(`begin ${oneIn}`)
    return new Session(() => done.push(`end ${oneIn}`))
  })
  return { done, sampling }
}

test('runs while somebody wants it, as fine as the finest wish', () => {
  const { done, sampling } = scene()
  const releases = [sampling.want(100), sampling.want(10), sampling.want(50)]
  expect(done.splice(0)).toEqual(['begin 100', 'end 100', 'begin 10'])
  releases[1]?.()
  releases[1]?.()
  releases[0]?.()
  expect(done).toEqual([])
  releases[2]?.()
  expect(done.splice(0)).toEqual(['end 10'])
  sampling.want(7)
  expect(done).toEqual(['begin 7'])
})

test('a wish that the kernel refuses is none', () => {
  const { done, sampling } = scene()
  expect(() => sampling.want(13)).toThrow('The kernel cannot.')
  const release = sampling.want(20)
  release()
  expect(done).toEqual(['begin 20', 'end 20'])
})

test('ends for good, also when somebody lets go afterwards', () => {
  const { done, sampling } = scene()
  const release = sampling.want(1)
  sampling.close()
  release()
  expect(done).toEqual(['begin 1', 'end 1'])
})
