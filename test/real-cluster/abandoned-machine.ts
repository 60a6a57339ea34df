// Starts a machine with a service, prints the ids of its processes, and waits to be killed:
//   node abandoned-machine.ts DIRECTORY CGROUP
import { readdir, readlink } from 'node:fs/promises'
import { startClusterMachine } from './cluster-machine.ts'
import { placesOf } from './places.ts'
import { until } from './until.ts'

const [directory = '', cgroup = ''] = process.argv.slice(2)
const machine = await startClusterMachine('abandoned', {
  ...placesOf(process.env),
  directory,
  cgroup,
})
machine.startService('sleep', ['sleep', '1000000'])
// Numbers of its processes as this one sees them.
let processes: string[] = []
await until('the service runs', 10_000, async () => {
  processes = await processesOf(machine.pid)
  return processes.length >= 2
})
console.log(JSON.stringify(processes))
setInterval(() => {}, 60_000)

/** All that are in the PID namespace of this one. */
async function processesOf(init: number): Promise<string[]> {
  const namespace = await readlink(`/proc/${init}/ns/pid`)
  const all = (await readdir('/proc')).filter((name) => /^\d+$/u.test(name))
  const own = await Promise.all(
    all.map(async (pid) => {
      const theirs = await readlink(`/proc/${pid}/ns/pid`).catch(() => '')
      return theirs === namespace ? [pid] : []
    }),
  )
  return own.flat()
}
