import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CniDriver, type NetworkList } from './cni-driver.ts'
import { type ContainerRuntime, NETWORK, WAIT, writeNetwork } from './container-runtime.ts'
import { containerd } from './containerd.ts'
import { pluginsOf } from './plugins-of.ts'
import { podman } from './podman.ts'
import { installRecorder, type Recording, takeRecordings } from './recordings.ts'
import { runtimesRoot } from './runtimes-root.ts'
import { type RuntimeMachine, startMachine } from './start-machine.ts'

const isFetched = runtimesRoot(process.env) !== undefined
if (!isFetched)
  console.warn('Skipped: there are no container runtimes. Run test/runtimes/packages.')

const CAPABILITIES = { portMappings: true, bandwidth: true, ips: true, mac: true }

/** What runtimes hand to plugins, as a plugin sees it; docs/runtimes.md says the same in words. */
describe.skipIf(!isFetched)('what plugins are called with by', () => {
  let scene: RuntimeMachine

  beforeAll(async () => {
    scene = await startMachine('calls')
    await installRecorder(scene.machine)
    await containerd.install(scene.machine)
    await podman.install(scene.machine)
  })
  afterAll(() => scene?.[Symbol.asyncDispose]())

  test('containerd: no arguments at all; DEL when the process is gone', async () => {
    const [add, del] = await callsBy(containerd, [])
    expect(add?.environment).toMatchObject({
      CNI_CONTAINERID: 'default-box',
      CNI_NETNS: expect.stringMatching(/^\/proc\/\d+\/ns\/net$/u),
      CNI_IFNAME: 'eth0',
      CNI_ARGS: '',
    })
    expect(add?.configuration).not.toHaveProperty('runtimeConfig')
    expect(del?.environment).toMatchObject({ CNI_NETNS: '', CNI_ARGS: '' })
    expect(del?.configuration).toHaveProperty('prevResult')
  })

  test('podman: the name of the container but no namespace; addresses as arguments', async () => {
    const flags = ['--publish=8080:80/udp', '--ip=192.0.2.7', '--mac-address=02:00:00:00:00:07']
    const [add, del] = await callsBy(podman, flags)
    const CNI_ARGS = 'IgnoreUnknown=1;K8S_POD_NAME=box;MAC=02:00:00:00:00:07;IP=192.0.2.7'
    expect(add?.environment).toMatchObject({
      CNI_CONTAINERID: expect.stringMatching(/^[0-9a-f]{64}$/u),
      CNI_NETNS: expect.stringMatching(/^\/run\/netns\/netns-/u),
      CNI_IFNAME: 'eth0',
      CNI_ARGS,
    })
    const runtimeConfig = { portMappings: [{ hostPort: 8080, containerPort: 80, protocol: 'udp' }] }
    expect(add?.configuration).toMatchObject({ runtimeConfig })
    expect(del?.environment).toEqual({ ...add?.environment, CNI_COMMAND: 'DEL' })
    expect(del?.configuration).toMatchObject({ runtimeConfig, prevResult: {} })
  })

  describe('the driver of these tests: the same as by libcni in', () => {
    test.each(['0.3.1', '0.4.0', '1.0.0'])('containerd, version %s', async (cniVersion) => {
      const before = await callsBy(containerd, [], cniVersion)
      expect(await callsByDriver(before, {}, cniVersion)).toEqual(before)
    })

    test.each(['0.4.0', '1.0.0'])('podman, version %s', async (cniVersion) => {
      const before = await callsBy(podman, ['--publish=8080:80'], cniVersion)
      const portMappings = [{ hostPort: 8080, containerPort: 80, protocol: 'tcp' }]
      expect(await callsByDriver(before, { portMappings }, cniVersion)).toEqual(before)
    })
  })

  async function callsBy(
    runtime: ContainerRuntime,
    flags: readonly string[],
    cniVersion = '1.0.0',
  ): Promise<Recording[]> {
    const { machine } = scene
    await writeNetwork(machine, listOf(cniVersion))
    await runtime.start(machine, { name: 'box', command: WAIT, flags })
    await runtime.stop(machine, 'box')
    // podman asks for the VERSION before each call, containerd never.
    const recordings = (await takeRecordings(machine)).filter(({ environment }) => {
      return environment['CNI_COMMAND'] !== 'VERSION'
    })
    expect(recordings.map(({ environment }) => environment['CNI_COMMAND'])).toEqual(['ADD', 'DEL'])
    return recordings.map(withoutPath)
  }

  /** The same container once more, by the driver. */
  async function callsByDriver(
    [add, del]: readonly Recording[],
    capabilityArgs: Readonly<Record<string, unknown>>,
    cniVersion: string,
  ): Promise<Recording[]> {
    const driver = new CniDriver(pluginsOf(scene.machine))
    const container = (call: Recording | undefined) => ({
      id: call?.environment['CNI_CONTAINERID'] ?? '',
      netns: call?.environment['CNI_NETNS'] ?? '',
      ifName: call?.environment['CNI_IFNAME'] ?? '',
      args: call?.environment['CNI_ARGS'] ?? '',
      capabilityArgs,
    })
    await driver.add(listOf(cniVersion), container(add))
    await driver.del(listOf(cniVersion), container(del))
    return (await takeRecordings(scene.machine)).map(withoutPath)
  }
})

function listOf(cniVersion: string): NetworkList {
  return {
    cniVersion,
    name: NETWORK,
    plugins: [{ type: 'recorder', capabilities: CAPABILITIES }],
  }
}

/** `CNI_PATH` is where a runtime was told to look for plugins. */
function withoutPath({ environment, configuration }: Recording): Recording {
  const { CNI_PATH: _, ...rest } = environment
  return { environment: rest, configuration }
}
