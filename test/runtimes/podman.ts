import {
  type ContainerRuntime,
  makeRootDirectory,
  NETWORK,
  ROOT_DIRECTORY,
} from './container-runtime.ts'

/** podman 4 with its CNI backend, which podman 5 no longer has. */
export const podman: ContainerRuntime = {
  name: 'podman',
  install: async (machine) => {
    await makeRootDirectory(machine)
    const crun = (await machine.run(['sh', '-c', 'command -v crun'])).trim()
    const conmon = (await machine.run(['sh', '-c', 'command -v conmon'])).trim()
    await machine.write('/etc/containers/containers.conf', configuration(crun, conmon))
    await machine.write('/etc/containers/storage.conf', STORAGE)
  },
  run: (machine, { name, command, flags = [] }) =>
    machine.attempt([...RUN, '--rm', `--name=${name}`, ...flags, ROOT_DIRECTORY, ...command]),
  start: async (machine, { name, command, flags = [] }) => {
    await machine.run([
      ...RUN,
      '--rm',
      '--detach',
      `--name=${name}`,
      ...flags,
      ROOT_DIRECTORY,
      ...command,
    ])
    return Number(await machine.run(['podman', 'inspect', '--format={{.State.Pid}}', name]))
  },
  stop: async (machine, name) => {
    await machine.run(['podman', 'rm', '--force', '--time=0', name])
  },
  podName: (container) => container,
}

const RUN = ['podman', 'run', `--network=${NETWORK}`, '--cgroups=disabled', '--rootfs']

function configuration(crun: string, conmon: string): string {
  return `[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "crun"
conmon_path = ["${conmon}"]
[engine.runtimes]
crun = ["${crun}"]
[network]
network_backend = "cni"
cni_plugin_dirs = ["/opt/cni/bin"]
`
}

const STORAGE = `[storage]
driver = "vfs"
runroot = "/run/containers/storage"
graphroot = "/var/lib/containers/storage"
`
