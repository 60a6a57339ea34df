import { join } from 'node:path'

/**
 * The program and its first arguments that run `sluice` as users run it: bundled, which starts in a third of the time
 * that the sources take. Before the tests that need it vitest bundles the sources as they are.
 */
export const SLUICE: readonly [string, string] = [
  process.execPath,
  join(import.meta.dirname, '..', 'dist', 'main.js'),
]
