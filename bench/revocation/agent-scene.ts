import { formatAddress } from '../../src/policy/address.ts'
import { apps, ofFamily, policy, SmallCluster } from '../../test/kernel/small-cluster.ts'
import { monotonicMs } from '../enforcement/monotonic.ts'
import type { OpenScene } from './open-scene.ts'
import { OTHER_CLIENTS } from './other-connections.ts'
import { Talker } from './talker.ts'

const OTHERS = OTHER_CLIENTS.map((cidr) => ({ ipBlock: { cidr } }))
const ALLOWED = policy('server', 'server', { ingress: [{ from: [...apps('client'), ...OTHERS] }] })
const NARROWED = policy('server', 'server', { ingress: [{ from: OTHERS }] })
const FAMILIES = [4, 6] as const

/** The change is the writing of a manifest that a whole agent follows. */
export async function openAgentScene(): Promise<OpenScene> {
  const cluster = new SmallCluster(1)
  const talkers: Talker[] = []
  const close = async (): Promise<void> => {
    for (const talker of talkers) await talker.close()
    await cluster.stop()
  }
  try {
    await cluster.start()
    await cluster.enforce(ALLOWED)
    await cluster.add({ name: 'server' }, { name: 'client' })
    const [to, from] = [cluster.pod('server'), cluster.pod('client')]
    const [server, client] = [new Talker(to.netns), new Talker(from.netns)]
    talkers.push(server, client)
    await server.serve()
    return {
      server,
      client,
      ends: FAMILIES.map((family) => ({
        from: formatAddress(ofFamily(from.addresses, family)),
        to: formatAddress(ofFamily(to.addresses, family)),
      })),
      allow: () => cluster.enforce(ALLOWED),
      revoke: async () => {
        const writtenAtMs = monotonicMs()
        await cluster.propose(NARROWED)
        return writtenAtMs
      },
      nodeNetns: cluster.node.netns,
      serverAddresses: to.addresses,
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}
