import { cp, mkdir, readFile, rm, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from './command.ts'
import type { Machine } from './machine.ts'
import { writeOciArchive } from './oci-archive.ts'
import type { Places } from './places.ts'
import { PAUSE_IMAGE, TOOLS_IMAGE } from './plan.ts'
import { until } from './until.ts'

/** Makes the images of the tests. There is no registry, so pods must never ask for `latest`. */
export async function makeImages(places: Places): Promise<readonly string[]> {
  return await Promise.all([
    makeImage(
      places,
      'pause',
      { name: PAUSE_IMAGE, entrypoint: ['/pause'], environment: [] },
      layOutPause,
    ),
    makeImage(
      places,
      'tools',
      { name: TOOLS_IMAGE, entrypoint: ['/bin/sleep', '1000000'], environment: ['PATH=/bin'] },
      layOutTools,
    ),
  ])
}

/** Gives containerd an image. */
export async function importImage(machine: Machine, archive: string): Promise<void> {
  await until(`containerd of ${machine.name} answers`, 30_000, async () => {
    return (await machine.attempt(['ctr', 'version'])).code === 0
  })
  const input = await readFile(archive)
  await machine.run(['ctr', '--namespace=k8s.io', 'images', 'import', '-'], { input })
}

async function makeImage(
  places: Places,
  label: string,
  image: Parameters<typeof writeOciArchive>[2],
  layOut: (root: string, files: string) => Promise<void>,
): Promise<string> {
  const archive = join(places.directory, 'images', `${label}.tar`)
  const files = join(places.directory, 'images', label)
  await mkdir(files, { recursive: true })
  await layOut(places.root, files)
  await writeOciArchive(archive, files, image)
  await rm(files, { recursive: true })
  return archive
}

async function layOutPause(root: string, files: string): Promise<void> {
  await cp(join(root, 'opt/kubernetes/pause'), join(files, 'pause'))
}

/** busybox under all of its names, and agnhost. */
async function layOutTools(root: string, files: string): Promise<void> {
  for (const directory of ['bin', 'etc', 'tmp']) await mkdir(join(files, directory))
  const busybox = join(root, 'bin/busybox')
  await cp(busybox, join(files, 'bin/busybox'))
  await cp(join(root, 'opt/kubernetes/agnhost'), join(files, 'bin/agnhost'))
  const names = (await run([busybox, '--list'])).trim().split('\n')
  for (const name of names.filter((one) => one !== 'busybox')) {
    await symlink('busybox', join(files, 'bin', name))
  }
}
