import { formatAddress } from '../../src/policy/address.ts'
import { makeNamespaces } from '../cni/node-namespaces.ts'
import { EnforcingNode } from '../enforcement/enforcing-node.ts'
import { addressesOf, ingressPolicy, manifestText, podObject } from '../enforcement/node-objects.ts'
import type { OpenScene } from './open-scene.ts'
import { OTHER_CLIENTS } from './other-connections.ts'
import { Talker } from './talker.ts'

const SERVER = { name: 'server', addresses: addressesOf(1) }
const CLIENT = { name: 'client', addresses: addressesOf(2) }
const PODS = [SERVER, CLIENT]
const OTHERS = OTHER_CLIENTS.map((cidr) => ({ ipBlock: { cidr } }))

/** The change is handed to the enforcer itself. */
export async function openEnforcerScene(): Promise<OpenScene> {
  const prefix = `sluice-bench-${process.pid}-revoke-`
  const namespaces = makeNamespaces(
    prefix,
    PODS.map(({ name }) => name),
  )
  const closing: (() => Promise<void>)[] = []
  const close = async (): Promise<void> => {
    for (const one of closing.toReversed()) await one()
    namespaces.remove()
  }
  try {
    const node = await EnforcingNode.open(namespaces.node)
    closing.push(() => node.close())
    await node.apply(ALLOWED)
    for (const pod of PODS) {
      await node.start({ ...pod, netns: namespaces.podNamespaceOf(pod.name) }, 'policy-first')
    }
    const [server, client] = [SERVER, CLIENT].map(({ name }) => {
      const talker = new Talker(namespaces.podNamespaceOf(name))
      closing.push(() => talker.close())
      return talker
    })
    if (server === undefined || client === undefined) throw new Error('A scene has two talkers.')
    await server.serve()
    return {
      server,
      client,
      ends: SERVER.addresses.map((address, family) => ({
        from: formatAddress(CLIENT.addresses[family] ?? address),
        to: formatAddress(address),
      })),
      allow: async () => void (await node.apply(ALLOWED)),
      revoke: () => node.apply(NARROWED),
      nodeNetns: namespaces.node,
      serverAddresses: SERVER.addresses,
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

const ALLOWED = manifest([{ podSelector: { matchLabels: { app: 'client' } } }, ...OTHERS])
const NARROWED = manifest(OTHERS)

function manifest(from: readonly object[]): string {
  return manifestText([
    ingressPolicy('server', from),
    ...PODS.map(({ name, addresses }) => podObject(name, name, addresses)),
  ])
}
