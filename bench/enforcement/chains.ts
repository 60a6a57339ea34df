import { program } from '../../src/dataplane/program.ts'
import { HOST_INTERFACE_PREFIX } from '../../src/pods/attachment.ts'

/** The program of an agent with the settings that it has by default. */
export const CHAINS = program({
  deny: 'drop',
  logGroup: 100,
  podInterfacePrefix: HOST_INTERFACE_PREFIX,
  tunnel: { port: 4789, vni: 4096 },
  localhostHostPorts: false,
  chained: false,
})
