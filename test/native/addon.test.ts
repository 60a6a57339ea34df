import { describe, test } from 'vitest'
import { exchangeCases } from './exchange-cases.ts'
import { runInNamespace } from './in-namespace.ts'
import { readableCases } from './readable-cases.ts'
import { threadCases } from './thread-cases.ts'
import { transferCases } from './transfer-cases.ts'

describe.each([
  ['sockets', transferCases],
  ['exchanges on another thread', exchangeCases],
  ['sockets on the event loop', readableCases],
  ['namespaces and threads', threadCases],
])('%s', (_, cases) => {
  test.each(cases)('$name', ({ run }) => runInNamespace(run))
})
