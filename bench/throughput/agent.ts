import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdirSync, openSync, closeSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { kubeconfig } from '../harness/kubeconfig.ts'

export interface AgentPlace {
  readonly node: string
  /** Path of the node's network namespace. */
  readonly netns: string
  /** URL of the API server. */
  readonly server: string
  readonly runDir: string
}

const SLUICE = join(import.meta.dirname, '..', '..', 'bin', 'sluice')
const READY_WITHIN_MS = 30_000
const POLL_MS = 20

/** Starts an agent that follows the API server; resolves when a container runtime would begin to use it. */
export async function startAgent({
  node,
  netns,
  server,
  runDir,
}: AgentPlace): Promise<ChildProcess> {
  mkdirSync(runDir, { recursive: true })
  const [access, ready] = [join(runDir, 'kubeconfig'), join(runDir, 'ready.conflist')]
  writeFileSync(access, kubeconfig(server))
  const log = openSync(join(runDir, 'agent.log'), 'a')
  const flags = [
    `--node=${node}`,
    `--kubeconfig=${access}`,
    `--netns=${netns}`,
    `--run-dir=${runDir}`,
  ]
  const agent = spawn(SLUICE, ['agent', ...flags, `--cni-config=${ready}`], {
    stdio: ['ignore', log, log],
    // Ctrl-C at the terminal is for the benchmark, which then ends its agents.
    detached: true,
  })
  closeSync(log)
  for (let waited = 0; !existsSync(ready); waited += POLL_MS) {
    if (agent.exitCode !== null || waited > READY_WITHIN_MS) {
      agent.kill('SIGKILL')
      throw new Error(`The agent of ${node} did not become ready; see ${runDir}/agent.log.`)
    }
    await delay(POLL_MS)
  }
  return agent
}
