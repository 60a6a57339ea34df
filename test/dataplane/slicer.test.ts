import fc from 'fast-check'
import { expect, test } from 'vitest'
import { slicer } from '../../src/dataplane/slicer.ts'

/** As long as somebody waits for their turn at most, beside what a single item takes. */
const SLICE_MS = 2

test('others have their turn as soon as the slice is used up, over all that is done with one slicer', async () => {
  const work = fc.record({ getMs: fc.nat(5), doMs: fc.nat(5) })
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(work)), async (works) => {
      let now = 0
      let turnAt = 0
      let longestMs = 0
      const inSlices = slicer({
        uptime: () => now,
        yieldToOthers: async () => {
          await Promise.resolve()
          turnAt = now
        },
      })
      const done: object[] = []
      for (const items of works) {
        function* got(): Generator<(typeof items)[number]> {
          for (const item of items) {
            now += item.getMs
            yield item
          }
        }
        await inSlices(got(), (item) => {
          // What went before it was less than a slice.
          longestMs = Math.max(longestMs, now - item.getMs - turnAt)
          now += item.doMs
          done.push(item)
        })
      }
      expect(done).toEqual(works.flat())
      expect(longestMs).toBeLessThan(SLICE_MS)
    }),
  )
})
