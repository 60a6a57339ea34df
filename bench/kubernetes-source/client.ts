/** Follows the server at the URL that it is given, and tells what that cost. Run by bench/kubernetes-source.ts. */
import * as http from 'node:http'
import * as https from 'node:https'
import { readFile } from 'node:fs/promises'
import { setImmediate } from 'node:timers/promises'
import { openKubernetesSource } from '../../src/cluster/kubernetes/source.ts'
import { ClusterState } from '../../src/cluster/state.ts'

/** What it takes to know a whole cluster. */
export interface ClientResult {
  readonly pods: number
  readonly seconds: number
  /** Of the process, Node.js itself included. */
  readonly peakRssMiB: number
  /** Time on a processor, on all threads: what is left of the seconds where others use the machine too. */
  readonly cpuSeconds: number
  /** The most that one turn of the event loop took of a processor, garbage collection in it included. */
  readonly longestStepMs: number
}

const MIB = 1024 * 1024

const server = new URL(process.argv[2] ?? '')
const state = new ClusterState()
let longestStepMs = 0
let stepBegan: number | undefined
const startedAt = performance.now()
const source = openKubernetesSource({
  credentials: { current: () => Promise.resolve({ server, tls: {} }), expire: () => undefined },
  system: {
    http,
    https,
    readFile,
    setTimeout,
    clearTimeout,
    yieldToOthers: async () => {
      // Not the first one, which compiles what the others run.
      if (stepBegan !== undefined) {
        longestStepMs = Math.max(longestStepMs, threadCpuMs() - stepBegan)
      }
      await setImmediate()
      stepBegan = threadCpuMs()
    },
    now: Date.now,
    random: Math.random,
  },
  onChanges: (changes) => void state.apply(changes),
  onError: (error) => console.error(error.message),
})
await source.synced
const result: ClientResult = {
  pods: state.cluster.pods.size,
  seconds: (performance.now() - startedAt) / 1000,
  peakRssMiB: (process.resourceUsage().maxRSS * 1024) / MIB,
  cpuSeconds: sumMs(process.cpuUsage()) / 1000,
  longestStepMs,
}
source.close()
process.send?.(result)
process.disconnect()

function threadCpuMs(): number {
  return sumMs(process.threadCpuUsage())
}

function sumMs({ user, system }: NodeJS.CpuUsage): number {
  return (user + system) / 1000
}
