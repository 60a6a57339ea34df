import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { addressesOfResult } from '../cni/addresses-of-result.ts'
import { Launcher } from '../cni/launcher.ts'
import { makeNamespaces } from '../cni/node-namespaces.ts'
import { referencePlugin } from '../cni/reference.ts'
import type { Closers } from './closers.ts'
import { openEnd, type PodEnd } from './pod-end.ts'

/** Two pods of one node, wired by Debian's `bridge` plugin. */
export interface Bridge {
  readonly client: PodEnd
  readonly server: PodEnd
}

/** Opens them; what is to be closed again is told to `closers`, also when it fails. */
export async function openBridge(scratch: string, closers: Closers): Promise<Bridge> {
  const pods = ['client', 'server']
  const namespaces = makeNamespaces(`slc-benchbridge-${process.pid}-`, pods)
  closers.push(() => namespaces.remove())
  const { program, config, environment } = referencePlugin('bridge', {
    netns: namespaces.node,
    scratch,
    pods,
  })
  const configFile = join(scratch, 'config.json')
  // The pods of the others have this MTU, which the tunnel asks for.
  writeFileSync(configFile, JSON.stringify({ ...config, mtu: 1450 }))
  const calls = pods.map((pod) => ({
    ...environment,
    CNI_COMMAND: 'ADD',
    CNI_CONTAINERID: pod,
    CNI_NETNS: namespaces.podNamespaceOf(pod),
    CNI_IFNAME: 'eth0',
  }))
  const target = { netns: namespaces.node, program, config: configFile }
  const { answers } = await new Launcher(scratch).run('serial', target, calls)
  const [client, server] = pods.map((pod, index) =>
    openEnd(
      `${pod} of bridge`,
      namespaces.podNamespaceOf(pod),
      addressesOfResult(answers[index]?.output ?? ''),
      closers,
    ),
  )
  if (client === undefined || server === undefined) throw new Error('There are two pods.')
  return { client, server }
}
