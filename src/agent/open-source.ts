import type { AgentOptions } from './agent-options.ts'
import { openKubernetesSource } from './kubernetes-source.ts'
import { openManifestSource } from './manifest-source.ts'
import type { AgentSource, Tell } from './source.ts'

/** @param onNodes addresses or ranges of some node have changed */
export function openSource(
  { source, node, log }: AgentOptions,
  tell: Tell,
  onNodes: () => void,
): AgentSource {
  return source.kind === 'manifests'
    ? openManifestSource({ directory: source.directory, node, log }, tell)
    : openKubernetesSource({ kubeconfig: source.kubeconfig, log, onNodes }, tell)
}
