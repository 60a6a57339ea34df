import { run } from './command.ts'
import type { Machine } from './machine.ts'
import {
  CONTROL_PLANE_ADDRESS,
  LINK_PREFIX,
  NODE_ADDRESSES,
  type NodeName,
  OUTSIDE_ADDRESS,
} from './plan.ts'

/** Joins the machines by a bridge on the control plane's. */
export async function joinMachines(
  controlPlane: Machine,
  nodes: ReadonlyMap<NodeName, Machine>,
): Promise<void> {
  await ip(controlPlane, [
    'link add machines up type bridge',
    `addr add ${CONTROL_PLANE_ADDRESS}/${LINK_PREFIX} dev machines`,
    `addr add ${OUTSIDE_ADDRESS}/32 dev lo`,
    ...[...nodes].map(
      ([name, { pid }]) =>
        `link add ${name} up master machines type veth peer name eth0 netns ${pid}`,
    ),
  ])
  for (const [name, node] of nodes) {
    await ip(node, [
      `addr add ${NODE_ADDRESSES[name]}/${LINK_PREFIX} dev eth0`,
      'link set eth0 up',
      `route add default via ${CONTROL_PLANE_ADDRESS}`,
    ])
  }
}

/** In the machine's network, but with this process's ids: a peer's namespace is named by one. */
async function ip(machine: Machine, lines: readonly string[]): Promise<void> {
  const argv = ['nsenter', `--net=/proc/${machine.pid}/ns/net`, 'ip', '-batch', '-']
  await run(argv, { input: `${lines.join('\n')}\n` })
}
