import { spawn } from 'node:child_process'
import { join } from 'node:path'
import * as v from 'valibot'
import { type Address, parseAddress } from '../policy/address.ts'

/** A pod's sandbox as a container runtime names it to a CNI plugin. */
export interface Sandbox {
  readonly containerId: string
  readonly netns: string
  readonly namespace: string
  readonly name: string
  readonly uid: string
  /** What it asks for by capabilities, as the runtime writes it; nothing without. */
  readonly runtimeConfig?: object
}

export interface Shim {
  /** Path of `sluice-cni`. */
  readonly program: string
  /** The run directory of the agent of the pod's node. */
  readonly runDir: string
}

/** CNI ADD through the real shim, as a container runtime does it. Returns the pod's addresses. */
export async function attach(shim: Shim, sandbox: Sandbox): Promise<Address[]> {
  const { ips } = v.parse(addResult, JSON.parse(await call('ADD', shim, sandbox)))
  return ips.flatMap(({ address }) => parseAddress(address.split('/')[0] ?? '') ?? [])
}

/** CNI DEL. */
export async function detach(shim: Shim, sandbox: Sandbox): Promise<void> {
  await call('DEL', shim, sandbox)
}

const addResult = v.object({ ips: v.array(v.object({ address: v.string() })) })
const errorResult = v.object({ code: v.number(), msg: v.string(), details: v.optional(v.string()) })

const CONFIGURATION = { cniVersion: '1.1.0', name: 'sluice', type: 'sluice-cni' }

async function call(command: 'ADD' | 'DEL', shim: Shim, sandbox: Sandbox): Promise<string> {
  const { containerId, netns, namespace, name, uid, runtimeConfig } = sandbox
  const configuration = JSON.stringify({ ...CONFIGURATION, runtimeConfig })
  const { code, output } = await run(shim.program, configuration, {
    CNI_COMMAND: command,
    CNI_CONTAINERID: containerId,
    CNI_NETNS: netns,
    CNI_IFNAME: 'eth0',
    CNI_ARGS: `IgnoreUnknown=1;K8S_POD_NAMESPACE=${namespace};K8S_POD_NAME=${name};K8S_POD_UID=${uid}`,
    CNI_PATH: '/opt/cni/bin',
    SLUICE_CNI_SOCKET: join(shim.runDir, 'cni.sock'),
    SLUICE_CNI_DELETE_DIR: join(shim.runDir, 'del'),
  })
  if (code === 0) return output
  throw new Error(`CNI ${command} of ${namespace}/${name} failed: ${faultOf(output)}`)
}

function faultOf(output: string): string {
  try {
    const { code, msg, details } = v.parse(errorResult, JSON.parse(output))
    return [`${msg} (code ${code})`, details].filter(Boolean).join(': ')
  } catch {
    return `it printed no CNI error but ${JSON.stringify(output.slice(0, 200))}`
  }
}

function run(
  program: string,
  configuration: string,
  env: NodeJS.ProcessEnv,
): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, [], { env, stdio: ['pipe', 'pipe', 'inherit'] })
    let output = ''
    child.stdout.setEncoding('utf8')
    child.stdout.on('data', (chunk: string) => {
      output += chunk
    })
    child.on('error', (error) => {
      const message = `${program} cannot be run (${error.message}). Run \`make build\` first.`
      reject(new Error(message, { cause: error }))
    })
    child.on('close', (code) => resolve({ code, output }))
    // It may end before it has read everything; its answer says why.
    child.stdin.on('error', () => {})
    child.stdin.end(configuration)
  })
}
