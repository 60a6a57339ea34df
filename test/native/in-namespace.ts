import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createNamespace, deleteNamespace } from '../../src/netlink/native.ts'

/** One thing the addon does; run by vitest, and once more on the addon built with sanitizers. */
export interface Case {
  readonly name: string
  /** `netns` is the path of a new network namespace, made for this case. */
  readonly run: (netns: string) => void | Promise<void>
}

export async function runInNamespace(run: Case['run']): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-native-'))
  const netns = join(folder, 'netns')
  try {
    createNamespace(netns)
    await run(netns)
  } finally {
    deleteNamespace(netns)
    rmSync(folder, { recursive: true })
  }
}

/** Lets the event loop turn until `holds`. Fails with `what` after 10 seconds. */
export async function until(what: string, holds: () => boolean): Promise<void> {
  const end = performance.now() + 10_000
  while (!holds()) {
    if (performance.now() > end) throw new Error(`Waited in vain: ${what}.`)
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
}
