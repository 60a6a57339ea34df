import { type Family } from '../../src/policy/address.ts'
import { openDatagrams } from './datagrams.ts'
import { counted } from './node-kernel.ts'
import { ofFamily, type SmallCluster } from './small-cluster.ts'
import { until } from './until.ts'

const PORT = 5000

/** Whether a datagram from one pod arrives at another of the same node; one that does not is counted as denied. */
export async function arrives(
  cluster: SmallCluster,
  from: string,
  to: string,
  family: Family,
): Promise<boolean> {
  const end = (name: string) => {
    const { netns, addresses } = cluster.pod(name)
    return { netns, address: ofFamily(addresses, family) }
  }
  const [source, target] = [end(from), end(to)]
  const denied = (): number => counted(cluster.node.netns, 'denied_ingress')
  const server = openDatagrams(target.netns, { address: target.address, port: PORT })
  const client = openDatagrams(source.netns, { address: source.address, port: 0 })
  try {
    const before = denied()
    client.send({ address: target.address, port: PORT })
    let arrived = 0
    await until('the packet arrives or is denied', () => {
      arrived += server.arrived()
      return arrived > 0 || denied() > before
    })
    return arrived > 0
  } finally {
    server.close()
    client.close()
  }
}
