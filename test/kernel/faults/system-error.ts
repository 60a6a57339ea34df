import { constants } from 'node:os'
import type { NativeError } from '../../../src/netlink/native.ts'

/** As Node and the addon throw them. */
export function systemError(code: string, syscall: string): NativeError {
  const errno = -errnoOf(code)
  return Object.assign(new Error(`${code}: put in by a test, ${syscall}`), { code, errno, syscall })
}

export function errnoOf(code: string): number {
  const numbers: ReadonlyMap<string, number> = new Map(Object.entries(constants.errno))
  const errno = numbers.get(code)
  if (errno === undefined) throw new Error(`${code} in a test is no error code.`)
  return errno
}
