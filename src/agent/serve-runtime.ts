import files from 'node:fs/promises'
import { join } from 'node:path'
import { type CniServer, serveCni } from '../cni/server.ts'
import type { CniHandler } from '../cni/verbs.ts'

const CLIENT_TIMEOUT_MS = 10_000

/** Opens the socket by which `sluice-cni` asks. @throws when another agent serves the run directory */
export function serveRuntime(runDirectory: string, handle: CniHandler): Promise<CniServer> {
  return serveCni({
    path: join(runDirectory, 'cni.sock'),
    handle,
    clientTimeoutMs: CLIENT_TIMEOUT_MS,
    files,
  })
}
