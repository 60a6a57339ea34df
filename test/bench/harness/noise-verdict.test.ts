import { expect, test } from 'vitest'
import { noiseVerdict } from '../../../bench/harness/noise-verdict.ts'

test('a machine that is as fast all the time is quiet', () => {
  const verdict = noiseVerdict(
    new Map([
      ['cni', [20, 21]],
      ['start', [20, 25]],
    ]),
    0.001,
  )
  expect(verdict).toBe(
    'quiet: the same arithmetic took up to 1.25 times as long, 0.1 % of the processors was taken by the hypervisor',
  )
})

test('the groups are named in which it was not', () => {
  const times = new Map([
    ['cni', [20, 21]],
    ['start', [20, 60]],
  ])
  expect(noiseVerdict(times, 0)).toBe(
    'TOO NOISY TO TELL: the same arithmetic took up to 3.00 times (start) as long, 0.0 % of the processors was taken by the hypervisor',
  )
})

test('a hypervisor that gives the processors to others is noise by itself', () => {
  expect(noiseVerdict(new Map([['cni', [20, 21]]]), 0.1)).toBe(
    'TOO NOISY TO TELL: 10.0 % of the processors was taken by the hypervisor',
  )
})
