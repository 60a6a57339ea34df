import { parseAddress } from '../address.ts'
import type { Address } from '../address.ts'
import type { Field } from './field.ts'
import { checkObject, child, describe, isAbsent, items, readText, refuse } from './field.ts'
import type { NamedPort, Pod } from '../model.ts'
import { dnsSubdomainFault, portNameFault } from './names.ts'
import { OBJECT_FIELDS, readMetadata } from './metadata.ts'
import { readPort, readProtocol } from './port.ts'

/** Reads a `v1` Pod: only the fields that policy needs. Undefined when it has no usable name. */
export function readPod(object: Field): Pod | undefined {
  checkObject(object, OBJECT_FIELDS)
  const { name, namespace, uid, labels, createdAt } = readMetadata(object, dnsSubdomainFault)
  const spec = child(object, 'spec')
  const status = child(object, 'status')
  checkObject(spec)
  checkObject(status)
  const addressless = readAddressless(spec, status)
  const addresses = readAddresses(status)
  const namedPorts = readNamedPorts(spec)
  const node = readText(child(spec, 'nodeName')) ?? ''
  const controller = readController(object)
  if (name === undefined || namespace === undefined) return undefined
  return {
    namespace,
    name,
    uid: readMirrored(object) || uid,
    labels,
    addresses: addressless === undefined ? addresses : [],
    ...(addressless && { addressless }),
    namedPorts,
    createdAt,
    node,
    ...(controller && { controller }),
    local: false,
  }
}

/**
 * A static pod is not the API server's: its object only mirrors it, and has a uid of its own. The uid by which
 * the kubelet runs it, and calls the CNI, is in an annotation.
 */
function readMirrored(object: Field): string | undefined {
  const annotations = child(child(object, 'metadata'), 'annotations')
  return readText(child(annotations, 'kubernetes.io/config.mirror'))
}

/** Of an object's owners, at most one manages it (API: `OwnerReference.controller`). */
function readController(object: Field): string | undefined {
  const owners = items(child(child(object, 'metadata'), 'ownerReferences'))
  const owner = owners.find((one) => child(one, 'controller').value === true)
  const kind = owner && readText(child(owner, 'kind'))
  const name = owner && readText(child(owner, 'name'))
  return kind && name ? `${kind}/${name}` : undefined
}

function readAddressless(spec: Field, status: Field): Pod['addressless'] {
  const hostNetwork = child(spec, 'hostNetwork')
  if (!isAbsent(hostNetwork) && typeof hostNetwork.value !== 'boolean') {
    refuse(hostNetwork, `must be true or false, not ${describe(hostNetwork.value)}`)
  }
  const phase = readText(child(status, 'phase'))
  if (phase === 'Succeeded' || phase === 'Failed') return 'finished'
  return hostNetwork.value === true ? 'hostNetwork' : undefined
}

/** `podIPs`, or `podIP` where an old object has only that. */
function readAddresses(status: Field): readonly Address[] {
  const several = items(child(status, 'podIPs')).map((entry) => {
    checkObject(entry)
    return readAddress(child(entry, 'ip'))
  })
  const all = several.length > 0 ? several : [readAddress(child(status, 'podIP'))]
  return [...new Set(all.filter((address) => address !== undefined))]
}

function readAddress(field: Field): Address | undefined {
  const text = readText(field)
  if (text === undefined || text === '') return undefined
  return parseAddress(text) ?? refuse(field, `must be an IP address, not ${describe(text)}`)
}

/** Of containers, and of init containers that go on running beside them. */
function readNamedPorts(spec: Field): readonly NamedPort[] {
  const sidecars = items(child(spec, 'initContainers')).filter(
    (container) => child(container, 'restartPolicy').value === 'Always',
  )
  return [...items(child(spec, 'containers')), ...sidecars].flatMap((container) => {
    checkObject(container)
    return items(child(container, 'ports')).flatMap(readContainerPort)
  })
}

function readContainerPort(field: Field): NamedPort[] {
  checkObject(field, ['name', 'containerPort', 'protocol', 'hostPort', 'hostIP'])
  const nameField = child(field, 'name')
  const name = readText(nameField)
  const protocol = readProtocol(child(field, 'protocol'))
  const port = readPort(child(field, 'containerPort'))
  const fault = name === undefined || name === '' ? undefined : portNameFault(name)
  if (fault !== undefined) refuse(nameField, `${fault}: ${describe(name)}`)
  return name === undefined || name === '' || port === undefined ? [] : [{ name, protocol, port }]
}
