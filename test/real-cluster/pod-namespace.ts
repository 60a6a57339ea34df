import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Machine } from './machine.ts'
import type { Scene } from './scene.ts'

const DIRECTORY = '/run/netns'

/** Path, on the pod's machine, of its network namespace: programs of that machine can run in it. */
export async function podNamespace(scene: Scene, pod: string, machine: Machine): Promise<string> {
  // What a namespace is called by itself: net:[INODE].
  const own = await scene.exec(pod, ['readlink', '/proc/self/ns/net'])
  const inode = Number(/\d+/u.exec(own)?.[0])
  for (const name of await readdir(machine.path(DIRECTORY))) {
    const path = join(DIRECTORY, name)
    if ((await stat(machine.path(path))).ino === inode) return path
  }
  throw new Error(`No file in ${DIRECTORY} of ${machine.name} is the namespace of pod ${pod}.`)
}
