// Runs a test cluster until it is interrupted: node test/real-cluster/up.ts [bridge]
import { bridge } from './cni-bridge.ts'
import { sluice } from './cni-sluice.ts'
import { Cluster } from './cluster.ts'
import { placesOf } from './places.ts'

const CNIS = new Map([bridge, sluice].map((cni) => [cni.name, cni]))

const [name = 'bridge'] = process.argv.slice(2)
const cni = CNIS.get(name)
if (cni === undefined) {
  throw new Error(`There is no CNI ${name} here; there are ${[...CNIS.keys()].join(', ')}.`)
}
const started = performance.now()
const report = (line: string): void => {
  console.log(`${((performance.now() - started) / 1000).toFixed(1)} s  ${line}`)
}
const cluster = await Cluster.start({ places: placesOf(process.env), cni, report })
for (const machine of [cluster.controlPlane, ...cluster.nodes.values()]) {
  console.log(`${machine.name}: nsenter --all --target ${machine.pid}`)
}
const keepAlive = setInterval(() => {}, 60_000)
const stop = async (): Promise<void> => {
  clearInterval(keepAlive)
  await cluster.stop({ keepFiles: false })
}
process.once('SIGINT', () => void stop())
process.once('SIGTERM', () => void stop())
