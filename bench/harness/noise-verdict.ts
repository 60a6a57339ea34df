import { quantile } from './statistics.ts'

/** Above these, somebody else had the machine. */
const WIDEST_YARDSTICK = 1.3
const MOST_STOLEN = 0.02

/**
 * Whether the machine was quiet enough to tell what lies close to its goal, and if not, in which groups, in words.
 *
 * @param timesMs of the same piece of arithmetic, by the group of figures that was measured meanwhile
 * @param stolen share of the processors that the hypervisor gave to others
 * @throws RangeError for a group without a time
 */
export function noiseVerdict(
  timesMs: ReadonlyMap<string, readonly number[]>,
  stolen: number,
): string {
  const widths = [...timesMs].map(([group, times]) => ({ group, width: widthOf(times) }))
  const noisy = widths.filter(({ width }) => width > WIDEST_YARDSTICK)
  const taken = `${(100 * stolen).toFixed(1)} % of the processors was taken by the hypervisor`
  if (noisy.length === 0 && stolen <= MOST_STOLEN) {
    const widest = Math.max(...widths.map(({ width }) => width))
    return `quiet: the same arithmetic took up to ${widest.toFixed(2)} times as long, ${taken}`
  }
  const where = noisy.map(({ group, width }) => `${width.toFixed(2)} times (${group})`)
  const slower =
    where.length === 0 ? '' : `the same arithmetic took up to ${where.join(', ')} as long, `
  return `TOO NOISY TO TELL: ${slower}${taken}`
}

/** The slowest tenth against the fastest. */
function widthOf(times: readonly number[]): number {
  return quantile(times, 0.9) / quantile(times, 0.1)
}
