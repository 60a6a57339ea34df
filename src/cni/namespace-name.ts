/** The name of a Kubernetes namespace: a DNS label (RFC 1123). */
export const NAMESPACE_NAME = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/u
