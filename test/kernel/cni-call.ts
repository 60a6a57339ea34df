import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { LabNode } from '../../src/lab/lab-node.ts'
import type { Sandbox } from '../../src/lab/shim.ts'
import { SHIM } from './small-cluster.ts'

/** What the program printed as JSON; undefined when it printed nothing. */
export interface CniAnswer {
  readonly exitCode: number
  readonly body: unknown
}

/** Runs the real `sluice-cni` as a container runtime does; without a sandbox for a network as a whole. */
export async function callCni(
  { runDir }: LabNode,
  command: string,
  sandbox: Sandbox | undefined,
  config: object = {},
): Promise<CniAnswer> {
  const child = spawn(SHIM, [], {
    env: {
      CNI_COMMAND: command,
      CNI_PATH: '/opt/cni/bin',
      SLUICE_CNI_SOCKET: join(runDir, 'cni.sock'),
      SLUICE_CNI_DELETE_DIR: join(runDir, 'del'),
      ...(sandbox && environmentOf(sandbox)),
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  child.stdin.end(
    JSON.stringify({ cniVersion: '1.1.0', name: 'sluice', type: 'sluice-cni', ...config }),
  )
  const [output, [exitCode]] = await Promise.all([text(child.stdout), once(child, 'close')])
  return { exitCode: Number(exitCode), body: output === '' ? undefined : JSON.parse(output) }
}

function environmentOf({ containerId, netns, namespace, name, uid }: Sandbox): NodeJS.ProcessEnv {
  return {
    CNI_CONTAINERID: containerId,
    CNI_NETNS: netns,
    CNI_IFNAME: 'eth0',
    CNI_ARGS: `IgnoreUnknown=1;K8S_POD_NAMESPACE=${namespace};K8S_POD_NAME=${name};K8S_POD_UID=${uid}`,
  }
}
