import type { ManifestDocument } from '../cluster/files.ts'
import { type JsonObject, objectAt, textAt } from '../cluster/json.ts'
import type { Manifests } from '../cluster/manifests.ts'
import { formatAddress } from '../policy/address.ts'
import type { LabPod } from './lab-pod.ts'

/**
 * The objects of the manifests as an API server would hand them to the agents: workloads as their pods, pods
 * with their node and addresses. What the API server would have refused is passed on so that agents refuse it
 * too. The text of one file: agents never see half of a change.
 */
export function storedObjects(manifests: Manifests, pods: readonly LabPod[]): string {
  const documents = [...new Set(manifests.documents.values())].filter(({ value }) =>
    ['Namespace', 'NetworkPolicy'].includes(textAt(value, 'kind')),
  )
  const objects = [...documents.map(storedDocument), ...pods.map(storedPod)]
  // JSON is YAML: a stream of documents needs no List, whose size is limited.
  return objects.map((object) => `---\n${JSON.stringify(object)}\n`).join('')
}

/** An object refused as a whole keeps what it was trusted with: its name, and what it selects if too large. */
function storedDocument({ value, refused }: ManifestDocument): JsonObject {
  if (refused === undefined) return value
  const { name = '', namespace } = objectAt(value, 'metadata')
  const metadata = { name, ...(namespace !== undefined && { namespace }) }
  const { apiVersion = '', kind = '' } = value
  const podSelector = objectAt(value, 'spec')['podSelector']
  const spec =
    refused.kind === 'too large' && podSelector !== undefined
      ? { podSelector, refused: refused.message }
      : { refused: refused.message }
  return { apiVersion, kind, metadata, spec }
}

function storedPod({ value, node, uid, addresses, hostNetwork }: LabPod): JsonObject {
  const podIPs = hostNetwork ? [] : addresses.map((address) => ({ ip: formatAddress(address) }))
  return {
    ...value,
    metadata: { ...objectAt(value, 'metadata'), uid },
    spec: { ...objectAt(value, 'spec'), nodeName: node },
    status: { ...objectAt(value, 'status'), podIP: podIPs[0]?.ip ?? '', podIPs },
  }
}
