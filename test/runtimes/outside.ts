import type { Machine } from '../real-cluster/machine.ts'

/** The path of a network namespace on the machine, behind a link of the machine's. */
export const OUTSIDE = '/run/netns/outside'

/** The machine's own addresses on that link, IPv4 first. */
export const MACHINE_ADDRESSES = ['198.51.100.1', '2001:db8:51::1']

export async function addOutside(machine: Machine): Promise<void> {
  await machine.run(['sh', '-ec', SCRIPT])
}

const SCRIPT = `
  ip netns add outside
  ip link add up0 type veth peer name eth0 netns outside
  ip link set up0 addrgenmode none up
  ip -n outside link set eth0 up
  ip -n outside link set lo up
  ip address add 198.51.100.1/24 dev up0
  ip address add 2001:db8:51::1/64 dev up0 nodad
  ip -n outside address add 198.51.100.2/24 dev eth0
  ip -n outside address add 2001:db8:51::2/64 dev eth0 nodad
  ip -n outside route add default via 198.51.100.1
  ip -n outside route add default via 2001:db8:51::1
`
