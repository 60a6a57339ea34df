import { expect, test } from 'vitest'
import { tokenBucketsOf } from '../../src/pods/token-buckets.ts'

const NONE = {
  ingressRate: undefined,
  ingressBurst: undefined,
  egressRate: undefined,
  egressBurst: undefined,
}
const toPod = (ingressRate: number, ingressBurst: number) =>
  tokenBucketsOf({ ...NONE, ingressRate, ingressBurst }, 1500)

test('ingress is what the node’s end sends, egress what the pod’s end sends', () => {
  expect(tokenBucketsOf(NONE, 1500)).toEqual({ hostEnd: undefined, podEnd: undefined })
  const { hostEnd, podEnd } = tokenBucketsOf(
    { ingressRate: 8_000_000, ingressBurst: 80_000, egressRate: 16_000_000, egressBurst: 160_000 },
    1500,
  )
  // A queue holds the burst and 25 ms.
  expect(hostEnd).toEqual({ rateBytes: 1_000_000, burstBytes: 10_000, limitBytes: 35_000 })
  expect(podEnd).toEqual({ rateBytes: 2_000_000, burstBytes: 20_000, limitBytes: 70_000 })
})

test('one direction alone', () => {
  expect(toPod(8_000_000, 80_000).podEnd).toBeUndefined()
})

test('a burst holds a full packet at least', () => {
  expect(toPod(8_000_000, 8).hostEnd?.burstBytes).toBe(1514)
})

test.each([
  ['containerd', 2 ** 32 - 1, 2 ** 29 - 1],
  ['CRI-O', 8 * (2 ** 32 - 1) - 1, 2 ** 32 - 2],
])('the burst that %s asks for does not fill the memory of the node', (_, burst, burstBytes) => {
  const limitBytes = 25_000 + 128 * 1024
  expect(toPod(8_000_000, burst).hostEnd).toEqual({ rateBytes: 1_000_000, burstBytes, limitBytes })
})

test('nothing overflows what the kernel holds in 32 bits', () => {
  const { hostEnd } = toPod(8e12, 8 * (2 ** 32 - 1))
  expect(hostEnd).toEqual({ rateBytes: 1e12, burstBytes: 2 ** 32 - 1, limitBytes: 2 ** 32 - 1 })
})

test('less than a byte a second is a byte a second', () => {
  expect(toPod(1, 80_000).hostEnd?.rateBytes).toBe(1)
})
