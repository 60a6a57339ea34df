import { type Json, type JsonObject, listAt, memberAt, objectAt, textAt } from '../cluster/json.ts'
import type { ManifestPod } from '../cluster/interpret.ts'
import { type Address, formatAddress } from '../policy/address.ts'
import type { ObjectKey, Protocol } from '../policy/model.ts'
import type { Service } from './place-messages.ts'

/** A pod that runs in the lab. */
export interface LabPod {
  readonly key: ObjectKey
  readonly node: string
  readonly uid: string
  readonly hostNetwork: boolean
  /** Path of its network namespace; its node's for a pod on the host's network. */
  readonly netns: string
  readonly addresses: readonly Address[]
  readonly ports: readonly DeclaredPort[]
  /** The Pod object as the manifests have it. */
  readonly value: JsonObject
}

export interface DeclaredPort {
  readonly protocol: Protocol
  readonly port: number
}

/** Every containerPort of the containers and of the init containers that go on running, each once. */
export function declaredPorts({ value }: ManifestPod): DeclaredPort[] {
  const spec = objectAt(value, 'spec')
  const sidecars = listAt(spec, 'initContainers').filter(
    (container) => textAt(container, 'restartPolicy') === 'Always',
  )
  const ports = [...listAt(spec, 'containers'), ...sidecars]
    .flatMap((container) => listAt(container, 'ports'))
    .flatMap(declaredPort)
  return [...new Map(ports.map((port) => [`${port.protocol} ${port.port}`, port])).values()]
}

/** The document has been accepted, so that a protocol is one of ours or absent. */
function declaredPort(value: Json): DeclaredPort[] {
  const port = memberAt(value, 'containerPort')
  const protocol = PROTOCOLS.find((one) => one === textAt(value, 'protocol')) ?? 'TCP'
  return typeof port === 'number' ? [{ protocol, port }] : []
}

const PROTOCOLS: readonly Protocol[] = ['TCP', 'UDP', 'SCTP']

/** What answers on behalf of the pod: each declared port, at each of its addresses. */
export function servicesOf({ ports, addresses }: LabPod): Service[] {
  return ports.flatMap(({ protocol, port }) =>
    addresses.map((address) => ({ protocol, port, address: formatAddress(address) })),
  )
}

/** The name of the place that a pod's packets start and end in. */
export function placeOf({ key, node, hostNetwork }: LabPod): string {
  return hostNetwork ? placeOfNode(node) : key
}

/** No pod is called so: their names have a slash. */
export function placeOfNode(node: string): string {
  return `node ${node}`
}
