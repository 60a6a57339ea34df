import { until } from '../real-cluster/until.ts'
import { type ContainerRuntime, makeRootDirectory, ROOT_DIRECTORY } from './container-runtime.ts'

const PATIENCE_MS = 20_000

/** containerd by its own command line: `ctr run --cni` uses the library that its CRI plugin uses, go-cni. */
export const containerd: ContainerRuntime = {
  name: 'containerd',
  install: async (machine) => {
    await makeRootDirectory(machine)
    await machine.write('/etc/containerd/config.toml', CONFIGURATION)
    await machine.write(OCI_RUNTIME, `#!/bin/sh\nexec crun --cgroup-manager=disabled "$@"\n`, 0o755)
    machine.startService('containerd', ['containerd'])
    await until('containerd answers', PATIENCE_MS, async () => {
      return (await machine.attempt(['ctr', 'version'])).code === 0
    })
  },
  run: (machine, { name, command, flags = [] }) =>
    machine.attempt([...RUN, ...flags, name, ...command]),
  start: async (machine, { name, command, flags = [] }) => {
    // In the foreground: a container that `ctr` has detached never gets a DEL.
    machine.startService(name, [...RUN, ...flags, name, ...command])
    let pid = 0
    await until(`the container ${name} runs`, PATIENCE_MS, async () => {
      if (!machine.isRunning(name)) throw new Error(`It ended; see ${machine.logOf(name)}.`)
      const line = new RegExp(`^${name} +(\\d+) +RUNNING$`, 'mu')
      pid = Number(line.exec(await machine.run(['ctr', 'task', 'list']))?.[1] ?? 0)
      return pid > 0
    })
    return pid
  },
  stop: async (machine, name) => {
    await machine.run(['ctr', 'task', 'kill', '--signal', 'SIGKILL', name])
    await until(`the container ${name} is gone`, PATIENCE_MS, async () => !machine.isRunning(name))
  },
  // go-cni puts containerd's own namespace, which has nothing to do with Kubernetes, before the id.
  podName: (container) => `default-${container}`,
}

/** Containers in no cgroup, with `ROOT` as the host's runtime would have them. */
const OCI_RUNTIME = '/run/oci-runtime'
const RUN = [...'ctr run --rm --cni --rootfs --runc-binary'.split(' '), OCI_RUNTIME, ROOT_DIRECTORY]

const CONFIGURATION = `version = 2
disabled_plugins = ["io.containerd.grpc.v1.cri"]
`
