import { afterAll, afterEach } from 'vitest'
import { sluice } from './cni-sluice.ts'
import { Cluster } from './cluster.ts'
import { placesOf } from './places.ts'
import { pods } from './suites/pods.ts'
import { churn } from './suites/churn.ts'
import { identity } from './suites/identity.ts'
import { podStart } from './suites/pod-start.ts'
import { restarts } from './suites/restarts.ts'
import { policies } from './suites/policies.ts'
import { probes } from './suites/probes.ts'
import { services } from './suites/services.ts'

const cluster = await Cluster.start({
  places: placesOf(process.env),
  cni: sluice,
  report: (line) => console.log(`cluster: ${line}`),
})

let failed = false
afterEach(({ task }) => {
  failed ||= task.result?.state === 'fail'
})
afterAll(async () => {
  await cluster.stop({ keepFiles: failed })
  if (failed) console.log(`cluster: its logs are in ${placesOf(process.env).directory}/*/log`)
})

pods(cluster)
services(cluster)
policies(cluster)
probes(cluster)
identity(cluster)
churn(cluster)
restarts(cluster)
podStart(cluster)
