import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { WAIT, writeNetwork } from './container-runtime.ts'
import { type ContainerPlace, enterNamespace } from './container-places.ts'
import type { NodeState } from '../kernel/node-state.ts'
import { containerd } from './containerd.ts'
import { podman } from './podman.ts'
import { runtimesRoot } from './runtimes-root.ts'
import { expectState, stateOf } from './machine-state.ts'
import { addOutside, MACHINE_ADDRESSES, OUTSIDE } from './outside.ts'
import { manifestsFor, NAMESPACE } from './scene.ts'
import { installAgent, startAgent } from './sluice-agent.ts'
import { type RuntimeMachine, startMachine } from './start-machine.ts'

const isFetched = runtimesRoot(process.env) !== undefined
if (!isFetched)
  console.warn('Skipped: there are no container runtimes. Run test/runtimes/packages.')

/** Container runtimes from Debian's packages call the plugin as they call any other. */
describe.skipIf(!isFetched).each([containerd, podman])('$name', (runtime) => {
  let scene: RuntimeMachine
  let unused: NodeState

  beforeAll(async () => {
    scene = await startMachine(runtime.name)
    await runtime.install(scene.machine)
    await installAgent(scene.machine, manifestsFor(runtime.podName))
    await writeNetwork(scene.machine, { cniVersion: '1.0.0', plugins: [SLUICE] })
    await addOutside(scene.machine)
    unused = stateOf(scene.machine)
  })
  afterAll(() => scene?.[Symbol.asyncDispose]())

  test('a container has an address of each range, and policy by its name', async () => {
    const server = await start('server')
    const friend = await start('friend')
    const foe = await start('foe')
    expect(server.addresses).toEqual([
      expect.stringMatching(/^10\.244\.0\.\d+$/u),
      expect.stringMatching(/^fd00:10:244::/u),
    ])
    for (const address of server.addresses) {
      await server.place.listen([{ protocol: 'TCP', address, port: PORT }])
    }
    expect(await knocks(friend, server.addresses, PORT)).toEqual(['answered', 'answered'])
    expect(await knocks(foe, server.addresses, PORT)).toEqual(['unanswered', 'unanswered'])

    for (const name of ['server', 'friend', 'foe']) await runtime.stop(scene.machine, name)
    await expectState(scene.machine, unused)
  })

  if (runtime === podman) {
    test('what podman asks for: addresses and a published port', async () => {
      const { machine } = scene
      const asked = { ip: '10.244.0.77', mac: '02:00:00:00:00:77' }
      const flags = [`--ip=${asked.ip}`, `--mac-address=${asked.mac}`, '--publish=8080:80']
      const friend = await start('friend', flags)
      expect(friend.addresses).toContain(asked.ip)
      const show = ['/bin/busybox', 'ip', 'link', 'show', 'eth0']
      expect(await machine.run(['podman', 'exec', 'friend', ...show])).toContain(asked.mac)
      for (const address of friend.addresses) {
        await friend.place.listen([{ protocol: 'TCP', address, port: PORT }])
      }
      const outside = await enterNamespace(machine, OUTSIDE)
      onTestFinished(() => outside.place.close())
      expect(await knocks(outside, MACHINE_ADDRESSES, 8080)).toEqual(['answered', 'answered'])

      await runtime.stop(machine, 'friend')
      expect(await knocks(outside, MACHINE_ADDRESSES, 8080)).toEqual(['unanswered', 'unanswered'])
      await expectState(machine, unused)
    })
  }

  test('without a namespace it is refused, with the remedy', async () => {
    const { machine } = scene
    await writeNetwork(machine, { cniVersion: '1.0.0', plugins: [{ type: 'sluice-cni' }] })
    const refused = await runtime.run(machine, { name: 'stranger', command: WAIT })
    await writeNetwork(machine, { cniVersion: '1.0.0', plugins: [SLUICE] })
    expect(refused.code).not.toBe(0)
    expect(refused.stderr).toContain(
      'no defaultNamespace for containers that are not of Kubernetes',
    )
    await expectState(machine, unused)
  })

  test('with the agent away a container stops but does not start; the next agent clears up', async () => {
    const { machine } = scene
    await start('server')
    await machine.stopService('agent', 'SIGKILL')
    await runtime.stop(machine, 'server')
    const refused = await runtime.run(machine, { name: 'friend', command: WAIT })
    expect(refused.code).not.toBe(0)
    expect(refused.stderr).toContain('The Sluice agent of this node does not answer')
    // A runtime sends a DEL for what it could not start, too.
    expect(stateOf(machine).queuedDeletions).toHaveLength(2)

    await startAgent(machine)
    await expectState(machine, unused)
  })

  async function start(name: string, flags: readonly string[] = []): Promise<ContainerPlace> {
    const { machine } = scene
    onTestFinished(() => runtime.stop(machine, name).catch(() => {}))
    const pid = await runtime.start(machine, { name, command: WAIT, flags })
    const container = await enterNamespace(machine, `/proc/${pid}/ns/net`)
    onTestFinished(() => container.place.close())
    return container
  }
})

const PORT = 80
const SLUICE = {
  type: 'sluice-cni',
  defaultNamespace: NAMESPACE,
  capabilities: { portMappings: true, bandwidth: true, ips: true, mac: true },
}

/** What comes of a connection in each family. */
function knocks(
  from: ContainerPlace,
  addresses: readonly string[],
  port: number,
): Promise<string[]> {
  const attempts = addresses.map(async (to, family) => {
    const source = from.addresses[family]
    if (source === undefined) throw new Error(`There is no address to knock at ${to} from.`)
    const knock = { protocol: 'TCP', from: source, to, port, timeoutMs: 500 } as const
    return (await from.place.knock(knock)).kind
  })
  return Promise.all(attempts)
}
