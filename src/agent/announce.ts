import files from 'node:fs/promises'
import type { AgentOptions } from './agent-options.ts'
import { writeCniConfig } from './cni-config-file.ts'
import { followCniConfig } from './follow-cni-config.ts'

/** Makes the container runtime call us: alone, or behind the plugins that wire. */
export async function announce({
  cniConfig: path,
  chained,
  log,
}: AgentOptions): Promise<{ close: () => void } | undefined> {
  if (path === undefined) return undefined
  if (!chained) {
    await writeCniConfig(path)
    return undefined
  }
  return followCniConfig({ path, files, log, setInterval: everyMs })
}

function everyMs(callback: () => Promise<void>, periodMs: number): { stop: () => void } {
  const timer = setInterval(() => void callback(), periodMs)
  return { stop: () => clearInterval(timer) }
}
