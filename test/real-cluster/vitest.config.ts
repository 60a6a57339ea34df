import { defineConfig } from 'vitest/config'

// Not a part of `make test`: the cluster has to be built first, and takes both cores for minutes.
export default defineConfig({
  test: {
    include: ['test/real-cluster/**/*.test.ts'],
    pool: 'forks',
    fileParallelism: false,
    reporters: ['verbose', './test/summary.ts'],
    testTimeout: 120_000,
    hookTimeout: 180_000,
  },
})
