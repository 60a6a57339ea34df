import type { PodEntry } from '../pods/find-entry.ts'

/** What enforcement on pods that another plugin wired asks of the node. */
export interface Chain {
  /**
   * Where an interface that another plugin gave a pod comes to the node.
   *
   * @throws PodNetworkError (namespaceGone, notEnforceable).
   */
  findEntry(netns: string, ifName: string): PodEntry
  /**
   * Sees to it that packets between pods on one bridge are judged.
   *
   * @throws PodNetworkError (notEnforceable) with a sentence that says what the host must have.
   */
  requireBridgeFilter(): void
}
