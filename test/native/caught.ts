import assert from 'node:assert/strict'
import { isNativeError } from '../../src/netlink/native.ts'
import type { NativeError } from '../../src/netlink/native.ts'

/** The error of the addon that `use` throws. */
export function caught(use: () => unknown): NativeError {
  try {
    use()
  } catch (error) {
    assert.ok(isNativeError(error), 'What is thrown is a NativeError.')
    return error
  }
  return assert.fail('Nothing was thrown.')
}
