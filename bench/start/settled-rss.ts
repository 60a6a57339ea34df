import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

const POLL_MS = 250
const MIB_KIB = 1024

export interface Rss {
  /** MiB, once they have not changed for a while. */
  readonly settledMiB: number
  readonly peakMiB: number
}

/** Resident memory of a process at rest: VmRSS and VmHWM of proc_pid_status(5). */
export async function settledRss(pid: number, quietMs: number): Promise<Rss> {
  let held = readMiB(pid, 'VmRSS')
  for (let quiet = 0; quiet < quietMs; quiet += POLL_MS) {
    await delay(POLL_MS)
    const now = readMiB(pid, 'VmRSS')
    if (Math.abs(now - held) > SETTLED_MIB) [held, quiet] = [now, 0]
  }
  return { settledMiB: readMiB(pid, 'VmRSS'), peakMiB: readMiB(pid, 'VmHWM') }
}

const SETTLED_MIB = 1

function readMiB(pid: number, name: string): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const kib = Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'mu').exec(status)?.[1])
  if (Number.isNaN(kib)) throw new Error(`Process ${pid} has ended.`)
  return kib / MIB_KIB
}
