/** YAML documents of namespace `shop`, to be put one after the other. */

/** A pod with the one label `app: NAME`, and a port. */
export function pod(name: string): string {
  return `
apiVersion: v1
kind: Pod
metadata: {name: ${name}, namespace: shop, labels: {app: ${name}}}
spec: {containers: [{name: c, image: none, ports: [{containerPort: 80}]}]}
---`
}

export function policy(name: string, spec: string): string {
  return `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: ${name}, namespace: shop}
spec: ${spec}
---`
}
