import { readFile } from 'node:fs/promises'
import type { Machine } from './machine.ts'
import { podNamespace } from './pod-namespace.ts'
import type { Scene } from './scene.ts'

/** The Node that the checkout brings, where machines have the checkout. */
const NODE_PROGRAM = '/opt/sluice/node_modules/.bin/node'

/** A program of ours in a pod's network. */
export interface PodProgram {
  /** Ends it, and resolves to what it printed. */
  stop(): Promise<string>
}

/** Runs a script of this directory in the network of a pod of `machine`, as long as it is not stopped. */
export async function runInPod(
  scene: Scene,
  pod: string,
  machine: Machine,
  script: readonly [file: string, ...argv: string[]],
): Promise<PodProgram> {
  const [file, ...argv] = script
  const service = `${file}-${scene.namespace}-${pod}`
  const network = await podNamespace(scene, pod, machine)
  const path = `/opt/sluice/test/real-cluster/${file}`
  machine.startService(service, ['nsenter', `--net=${network}`, NODE_PROGRAM, path, ...argv])
  return {
    stop: async () => {
      await machine.stopService(service)
      return await readFile(machine.logOf(service), 'utf8')
    },
  }
}
