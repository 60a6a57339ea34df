import type { Reporter, TestModule } from 'vitest/node'

/** Ends the output with the one line that CI reads: `N passed, N failed, N skipped`. */
export default class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const count = { passed: 0, failed: errors.length, skipped: 0, pending: 0 }
    for (const module of modules) {
      for (const test of module.children.allTests()) count[test.result().state] += 1
      // A file that does not load, or whose set-up fails, may have no test that failed: it counts as one.
      const failed = [...module.children.allTests('failed')].length
      if (module.state() === 'failed' && failed === 0) count.failed += 1
    }
    process.on('exit', () => {
      const skipped = count.skipped + count.pending
      console.log(
        `${count.passed} passed, ${count.failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`,
      )
    })
  }
}
