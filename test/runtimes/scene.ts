export const NAMESPACE = 'tools'

/** A namespace in which the container `friend` may reach the container `server`, and no other may. */
export function manifestsFor(podName: (container: string) => string): object[] {
  const pods = ['server', 'friend', 'foe'].map((app) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace: NAMESPACE, name: podName(app), labels: { app } },
    spec: { containers: [{ name: 'main', image: 'none' }] },
  }))
  const policy = {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { namespace: NAMESPACE, name: 'server' },
    spec: {
      podSelector: { matchLabels: { app: 'server' } },
      ingress: [{ from: [{ podSelector: { matchLabels: { app: 'friend' } } }] }],
    },
  }
  return [...pods, policy]
}
