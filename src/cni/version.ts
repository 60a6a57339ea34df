import * as v from 'valibot'
import type { CniRequest } from './frame.ts'

/** Versions of the CNI specification that we answer in, oldest first. */
export const SUPPORTED_VERSIONS = ['0.3.1', '0.4.0', '1.0.0', '1.1.0'] as const

export type CniVersion = (typeof SUPPORTED_VERSIONS)[number]

/** VERSION: which versions we speak. Answers anyone, since asking is how a runtime finds out. */
export async function version(request: CniRequest): Promise<string> {
  return JSON.stringify({
    cniVersion: answerVersion(request.stdin),
    supportedVersions: SUPPORTED_VERSIONS,
  })
}

export function isSupported(text: string): text is CniVersion {
  return SUPPORTED_VERSIONS.some((supported) => supported === text)
}

/** The version to answer in: that of the configuration if we speak it, else our newest. */
export function answerVersion(stdin: string): CniVersion {
  const newest = '1.1.0'
  try {
    const parsed = v.safeParse(
      v.object({ cniVersion: v.picklist(SUPPORTED_VERSIONS) }),
      JSON.parse(stdin),
    )
    return parsed.success ? parsed.output.cniVersion : newest
  } catch {
    return newest
  }
}
