import { describe, test } from 'vitest'
import { runInNamespace } from './in-namespace.ts'
import { socketCases } from './socket-cases.ts'
import { threadCases } from './thread-cases.ts'

describe.each([
  ['sockets', socketCases],
  ['namespaces and threads', threadCases],
])('%s', (_, cases) => {
  test.each(cases)('$name', ({ run }) => runInNamespace(run))
})
