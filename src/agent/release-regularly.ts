import { existsSync } from 'node:fs'
import type { Logger } from 'pino'
import { releaseAbandoned } from '../cni/release-abandoned.ts'
import type { CniParts } from '../cni/verbs.ts'
import { describe } from '../pods/attachment.ts'

const EVERY_MS = 60_000

/** Pods that went without a DEL while the agent runs; those that went while none ran are found at its start. */
export function releaseRegularly(parts: CniParts, log: Logger): { close: () => void } {
  const releaseAll = async (): Promise<void> => {
    try {
      for (const record of await releaseAbandoned(parts, existsSync)) {
        log.warn(
          { event: 'pod.abandoned', container: record.containerId },
          `${describe(record)} went without a DEL and is released`,
        )
      }
    } catch (error) {
      log.warn({ event: 'pod.abandoned', err: error }, 'a pod that is gone could not be released')
    }
  }
  const timer = setInterval(() => void releaseAll(), EVERY_MS)
  return { close: () => clearInterval(timer) }
}
