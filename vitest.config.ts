import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

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
          exclude: ['test/kernel/**', 'test/lab/**', 'test/real-cluster/**', 'test/runtimes/**'],
          testTimeout: 60_000,
        },
      },
      {
        // Agents that die at each step, one after the other: they wait more than they work, so two files share the cores.
        extends: true,
        test: {
          name: 'faults',
          include: ['test/kernel/faults-*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
      {
        // Real packets in real namespaces: one file at a time, so that two files never share the two cores.
        extends: true,
        test: {
          name: 'kernel',
          include: [
            'test/kernel/**/*.test.ts',
            'test/lab/**/*.test.ts',
            'test/runtimes/**/*.test.ts',
          ],
          exclude: ['test/kernel/faults-*.test.ts'],
          fileParallelism: false,
          sequence: { groupOrder: 1 },
          testTimeout: 120_000,
          hookTimeout: 60_000,
          // Agents are started from their sources some hundred times: with compiled code it takes two thirds.
          env: { NODE_COMPILE_CACHE: join(import.meta.dirname, 'node_modules', '.cache', 'node') },
        },
      },
    ],
  },
})
