import { expect, test } from 'vitest'
import { errorResult } from '../../src/cni/error-result.ts'
import { CniError } from '../../src/cni/errors.ts'

test.each([
  ['{"cniVersion":"0.4.0"}', '0.4.0'],
  ['{"cniVersion":"9.0.0"}', '1.1.0'],
  ['not JSON', '1.1.0'],
])('an error for %s is told in version %s', (stdin, cniVersion) => {
  const error = new CniError('tryAgainLater', 'Wait', { details: 'a while' })
  const result: unknown = JSON.parse(errorResult(error, stdin))
  expect(result).toStrictEqual({ cniVersion, code: 11, msg: 'Wait', details: 'a while' })
})
