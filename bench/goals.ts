import type { Goal } from './harness/figure.ts'

/** What each figure shall reach, by its name without "against …". A figure that is not here is only told. */
export const GOALS: Readonly<Record<string, Goal>> = {
  'CNI ADD one at a time, p50': { of: 'ratio', atMost: 0.2 },
  'CNI ADD one at a time, p99': { of: 'value', atMost: 10 },
  'CNI ADD 50 at once, all done': { of: 'ratio', atMost: 0.2 },
  'CNI ADD 200 at once, all done': { of: 'value', atMost: 1000 },
  'CNI DEL one at a time, p50': { of: 'ratio', atMost: 0.2 },
  'CNI DEL 50 at once, all done': { of: 'ratio', atMost: 0.2 },
}
