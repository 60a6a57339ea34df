import type { CniError } from './errors.ts'
import { answerVersion } from './version.ts'

/** The error result of any verb (section 5, "Error"), as JSON. `stdin` says in which version to answer. */
export function errorResult(error: CniError, stdin: string): string {
  return JSON.stringify({
    cniVersion: answerVersion(stdin),
    code: error.code,
    msg: error.message,
    details: error.details,
  })
}
