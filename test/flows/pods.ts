import type { Pod } from '../../src/policy/model.ts'

/** A pod with what a test does not care about. */
export function podOf(some: Partial<Pod>): Pod {
  return {
    namespace: 'shop',
    name: 'web-0',
    uid: 'u',
    labels: new Map(),
    addresses: [],
    namedPorts: [],
    createdAt: 0,
    node: 'n1',
    local: false,
    ...some,
  }
}
