import * as fs from 'node:fs/promises'
import { join } from 'node:path'
import { findShim } from '../../src/cli/find-shim.ts'
import { revisionOf } from '../../src/cluster/directory.ts'
import { AgentProcess } from '../../src/lab/agent-process.ts'
import { type Cidr, parseCidr } from '../../src/policy/address.ts'
import { manifestsOf } from './manifests.ts'
import type { Plugin, PluginPlace } from './plugin.ts'

const AGENT_TIMEOUT_MS = 30_000

/** Sluice with a real agent in the node's namespace, the policies of the pods already in the kernel. */
export async function sluicePlugin({ netns, scratch, pods }: PluginPlace): Promise<Plugin> {
  const manifests = join(scratch, 'manifests')
  const runDir = join(scratch, 'run')
  await fs.mkdir(manifests, { recursive: true })
  await fs.writeFile(join(manifests, 'objects.yaml'), manifestsOf(pods))
  const stopping = new AbortController()
  const agent = new AgentProcess({
    sluice: [join(import.meta.dirname, '..', '..', 'bin', 'sluice')],
    node: 'bench',
    addresses: { own: [], podCidrs: ['10.93.0.0/20', 'fd00:10:93::/64'].flatMap(cidr) },
    manifests,
    runDir,
    netns,
    stopping: stopping.signal,
  })
  await agent.start()
  await agent.untilRevision(await revisionOf(manifests, fs), AGENT_TIMEOUT_MS)
  return {
    name: 'Sluice',
    program: findShim(import.meta.dirname),
    config: { cniVersion: '1.0.0', name: 'bench-sluice', type: 'sluice-cni' },
    environment: {
      CNI_PATH: '/opt/cni/bin',
      SLUICE_CNI_SOCKET: join(runDir, 'cni.sock'),
      SLUICE_CNI_DELETE_DIR: join(runDir, 'del'),
    },
    enforces: true,
    stop: () => agent.kill('SIGTERM'),
  }
}

function cidr(text: string): Cidr[] {
  const read = parseCidr(text)
  return read === undefined ? [] : [read.cidr]
}
