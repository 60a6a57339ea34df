import { program } from '../../src/dataplane/program.ts'
import { HOST_INTERFACE_PREFIX } from '../../src/pods/attachment.ts'
import { OVERLAY_PORT, OVERLAY_VNI } from '../../src/pods/nodes/overlays.ts'

/** The program of an agent with the settings that it has by default. */
export const CHAINS = program({
  deny: 'drop',
  logGroup: 100,
  podInterfacePrefix: HOST_INTERFACE_PREFIX,
  tunnel: { port: OVERLAY_PORT, vni: OVERLAY_VNI },
  localhostHostPorts: false,
  chained: false,
})
