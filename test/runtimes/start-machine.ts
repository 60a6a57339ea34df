import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Machine } from '../real-cluster/machine.ts'
import { runtimesRoot } from './runtimes-root.ts'

export interface RuntimeMachine extends AsyncDisposable {
  readonly machine: Machine
}

/** A machine with the container runtimes, where they are fetched, `sluice-cni` and Debian's reference plugins. */
export async function startMachine(name: string): Promise<RuntimeMachine> {
  const logs = await mkdtemp(join(tmpdir(), `sluice-${name}-`))
  const root = runtimesRoot(process.env)
  const machine = await Machine.start({
    name,
    script: [join(import.meta.dirname, 'machine')],
    init: 'sleep',
    logs,
    environment: [`PATH=${pathOf(root)}`, 'HOME=/root', 'LC_ALL=C.UTF-8'],
  })
  const stop = async () => {
    await machine.stop()
    await rm(logs, { recursive: true })
  }
  try {
    if (root !== undefined) await addLibraries(machine, root)
    await machine.run(['sh', '-c', `ln -s ${SHIM} /usr/lib/cni/* /opt/cni/bin/`])
  } catch (error) {
    await stop()
    throw error
  }
  return { machine, [Symbol.asyncDispose]: stop }
}

export const CHECKOUT = join(import.meta.dirname, '../..')
const SHIM = join(CHECKOUT, 'native/build/sluice-cni')

function pathOf(root: string | undefined): string {
  const own = ['/usr/sbin', '/usr/bin', '/sbin', '/bin']
  const added = root === undefined ? [] : own.map((directory) => join(root, directory))
  return [...added, ...own].join(':')
}

/** By the loader's configuration, since runtimes do not hand their environment to each other. */
async function addLibraries(machine: Machine, root: string): Promise<void> {
  const libraries = join(root, 'usr/lib')
  const directories = (await readdir(libraries)).filter((name) => name.endsWith('-linux-gnu'))
  const lines = directories.map((name) => `${join(libraries, name)}\n`)
  await machine.write('/etc/ld.so.conf.d/zz-runtimes.conf', lines.join(''))
  await machine.run(['ldconfig'])
}
