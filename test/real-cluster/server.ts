import type { Machine } from './machine.ts'
import { until } from './until.ts'

/** Runs the pods' server on a machine itself, outside of every pod; once for each port. */
export async function startServer(machine: Machine, port: number): Promise<void> {
  const service = `server-${port}`
  if (machine.isRunning(service)) return
  machine.startService(service, ['agnhost', 'netexec', `--http-port=${port}`, `--udp-port=${port}`])
  await until(`the server of ${machine.name} listens on ${port}`, 10_000, async () => {
    const url = `http://127.0.0.1:${port}/healthz`
    return (await machine.attempt(['busybox', 'wget', '-q', '-O-', url])).code === 0
  })
}
