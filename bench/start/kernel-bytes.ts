import { readFileSync } from 'node:fs'

/**
 * What the kernel has allocated for itself: slab that cannot be reclaimed (large pieces of it included, since
 * Linux 5.9), vmalloc, and what each processor has of its own (/proc/meminfo, proc(5)). The difference between
 * before and after is a table's.
 */
export function kernelBytes(): number {
  const lines = readFileSync('/proc/meminfo', 'utf8')
  return ['SUnreclaim', 'VmallocUsed', 'Percpu']
    .map((name) => 1024 * Number(new RegExp(`^${name}: +(\\d+) kB$`, 'mu').exec(lines)?.[1]))
    .reduce((sum, one) => sum + one, 0)
}
