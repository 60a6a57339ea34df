import { API_SERVER } from './plan.ts'

/** Certificate of the authority that signed the API server's, on every machine. */
export const CA_FILE = '/etc/kubernetes/ca.crt'

/** A kubeconfig file for whoever has this token. */
export function kubeconfig(token: string): string {
  return `apiVersion: v1
kind: Config
clusters:
- name: cluster
  cluster: {server: '${API_SERVER}', certificate-authority: ${CA_FILE}}
users:
- name: user
  user: {token: ${token}}
contexts:
- name: context
  context: {cluster: cluster, user: user}
current-context: context
`
}
