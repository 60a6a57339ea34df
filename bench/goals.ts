import type { Goal } from './harness/figure.ts'
import { CASES, STATISTICS } from './throughput/cases.ts'

/** What each figure shall reach, by its name without "against …". A figure that is not here is only told. */
export const GOALS: Readonly<Record<string, Goal>> = {
  'CNI ADD one at a time, p50': { of: 'ratio', atMost: 0.2 },
  'CNI ADD one at a time, p99': { of: 'value', atMost: 10 },
  'CNI ADD 50 at once, all done': { of: 'ratio', atMost: 0.2 },
  'CNI ADD 200 at once, all done': { of: 'value', atMost: 1000 },
  'CNI DEL one at a time, p50': { of: 'ratio', atMost: 0.2 },
  'CNI DEL 50 at once, all done': { of: 'ratio', atMost: 0.2 },
  'New connections, 10 policies': { of: 'ratio', atLeast: 0.97 },
  'New connections, 100 policies': { of: 'ratio', atLeast: 0.97 },
  'New connections, 1000 policies': { of: 'ratio', atLeast: 0.97 },
  'New connections, 10000 policies': { of: 'ratio', atLeast: 0.97 },
  'New connections, flat': { of: 'ratio', atLeast: 0.97 },
  'First packet, flat': { of: 'ratio', atMost: 1.05 },
  'Cold start, 10k pods and 1k policies': { of: 'value', atMost: 3000 },
  'Cold start, 10k pods and 1k policies, longest forwarding gap on this node': {
    of: 'value',
    atMost: 50,
  },
  'Cold start, 10k pods and 1k policies, longest forwarding gap on others': {
    of: 'value',
    atMost: 50,
  },
  'Restart, 10k pods and 1k policies, longest forwarding gap on this node': {
    of: 'value',
    atMost: 50,
  },
  'Restart, 10k pods and 1k policies, longest forwarding gap on others': {
    of: 'value',
    atMost: 50,
  },
  'Cold start, 100k pods and 10k policies': { of: 'value', atMost: 3000 },
  'Cold start, 100k pods and 10k policies, longest forwarding gap on this node': {
    of: 'value',
    atMost: 50,
  },
  'Cold start, 100k pods and 10k policies, longest forwarding gap on others': {
    of: 'value',
    atMost: 50,
  },
  'Memory of the agent, 10k pods and 1k policies, settled': { of: 'value', atMost: 110 },
  'Memory of the agent, 100k pods and 10k policies, settled': { of: 'value', atMost: 250 },
  'Revocation, enforcer told to last byte, TCP, p99': { of: 'value', atMost: 50 },
  'Revocation, enforcer told to last byte, UDP, p99': { of: 'value', atMost: 50 },
  'packets that reach an isolated pod': { of: 'value', atMost: 0 },
  'packets lost from an allowed peer': { of: 'value', atMost: 0 },
  'Repair of an element, p99': { of: 'value', atMost: 100 },
  'Repair of the rules of a chain, p99': { of: 'value', atMost: 100 },
  'Repair of the table, p99': { of: 'value', atMost: 100 },
  'pod add, 10k pods × 1k policies, p50': { of: 'value', atMost: 0.3 },
  'pod add, 10k pods × 1k policies, p99': { of: 'value', atMost: 2 },
  // Logarithmic at most: log(100,000) / log(1,000).
  'pod add, growth with the cluster': { of: 'ratio', atMost: 1.67 },
  'churn, 10k pods × 1k policies, 18 events at a time': { of: 'value', atLeast: 20_000 },
  ...throughputGoals(),
}

/** A fiftieth less, or later, at most. */
function throughputGoals(): Record<string, Goal> {
  const limits = {
    throughput: { of: 'ratio', atLeast: 0.98 },
    latency: { of: 'ratio', atMost: 1.02 },
  } as const
  return Object.fromEntries(
    CASES.flatMap(({ kind, name }) =>
      STATISTICS[kind].map(({ statistic }) => [`${name}${statistic}`, limits[kind]]),
    ),
  )
}
