import { defineConfig } from 'vitest/config'

/** Packets by the clock, or floods of them: nothing else may use the two cores meanwhile. */
const ALONE = [
  'test/kernel/agent-first-packet.test.ts',
  'test/kernel/bandwidth.test.ts',
  'test/kernel/bench-quiet.test.ts',
  'test/kernel/dataplane-{agent,establish,flood}.test.ts',
  'test/kernel/flows.test.ts',
  'test/kernel/guard*.test.ts',
  'test/kernel/host-problems.test.ts',
  'test/kernel/log-group.test.ts',
  'test/kernel/netlink-*.test.ts',
  'test/kernel/network-news.test.ts',
  'test/kernel/revocation*.test.ts',
  'test/kernel/spoofing.test.ts',
  // Of labs that were killed: every lab that starts removes what those have left.
  'test/lab/bad-manifests.test.ts',
  'test/lab/rootless.test.ts',
]
const REAL_CLUSTER = 'test/real-cluster/**'
const KERNEL = ['test/kernel/**', 'test/lab/**', 'test/runtimes/**'].map(
  (place) => `${place}/*.test.ts`,
)

export default defineConfig({
  test: {
    pool: 'forks',
    maxWorkers: 2,
    reporters: ['default', './test/summary.ts'],
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: [...KERNEL, REAL_CLUSTER],
          testTimeout: 60_000,
        },
      },
      {
        // Real packets in real namespaces. Most tests wait more than they work, so two files share the cores.
        extends: true,
        test: {
          name: 'kernel',
          include: KERNEL,
          exclude: ALONE,
          globalSetup: 'scripts/bundle.ts',
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'alone',
          include: ALONE,
          globalSetup: 'scripts/bundle.ts',
          fileParallelism: false,
          sequence: { groupOrder: 1 },
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
})
