import type { Cni } from './cni.ts'
import { podCidrOf } from './pod-cidr.ts'
import { NODE_ADDRESSES, type NodeName } from './plan.ts'

/** The reference bridge plugin, as Debian packages it: shows that the cluster itself is sound. */
export const bridge: Cni = {
  name: 'bridge',
  install: async (cluster) => {
    const cidrs = new Map<NodeName, string>()
    for (const name of cluster.nodes.keys()) cidrs.set(name, await podCidrOf(cluster, name))
    for (const [name, machine] of cluster.nodes) {
      await machine.run(['sh', '-c', 'cp /usr/lib/cni/* /opt/cni/bin/'])
      for (const [other, cidr] of cidrs) {
        if (other === name) continue
        await machine.run(['ip', 'route', 'add', cidr, 'via', NODE_ADDRESSES[other]])
      }
      const subnet = cidrs.get(name)
      await machine.write('/etc/cni/net.d/10-bridge.conflist', JSON.stringify(networkOf(subnet)))
    }
  },
}

function networkOf(subnet: string | undefined): object {
  const ipam = {
    type: 'host-local',
    ranges: [[{ subnet }]],
    routes: [{ dst: '0.0.0.0/0' }],
  }
  return {
    cniVersion: '0.4.0',
    name: 'bridge',
    plugins: [
      { type: 'bridge', bridge: 'pods', isGateway: true, hairpinMode: true, ipam },
      { type: 'portmap', capabilities: { portMappings: true } },
    ],
  }
}
