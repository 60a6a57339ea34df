import { join } from 'node:path'
import { type Credentials, rereadCredentials } from './credentials.ts'
import type { KubernetesSystem } from './system.ts'

export interface InClusterOptions {
  readonly system: Pick<KubernetesSystem, 'readFile' | 'now'>
  readonly env: Readonly<Record<string, string | undefined>>
  /** Where the kubelet mounts the service account. */
  readonly directory?: string
}

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount'

/**
 * The access that Kubernetes gives to a pod: the API server's Service from the environment; token and authority
 * from files, which are read again when they change.
 * @throws {Error} outside a pod
 */
export function inClusterCredentials({ system, env, directory }: InClusterOptions): Credentials {
  const host = env['KUBERNETES_SERVICE_HOST'] ?? ''
  const port = env['KUBERNETES_SERVICE_PORT'] ?? ''
  if (host === '' || port === '') {
    throw new Error(
      'KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set: this is no pod; name a kubeconfig.',
    )
  }
  const server = new URL(`https://${host.includes(':') ? `[${host}]` : host}:${port}`)
  const read = (name: string) => readMounted(join(directory ?? SERVICE_ACCOUNT, name), system)
  return rereadCredentials(async () => {
    const [token, ca] = await Promise.all([read('token'), read('ca.crt')])
    return { server, token: token.trim(), tls: { ca } }
  }, system.now)
}

async function readMounted(
  path: string,
  { readFile }: Pick<KubernetesSystem, 'readFile'>,
): Promise<string> {
  return readFile(path, 'utf8').catch((error: unknown) => {
    throw new Error(
      `The service account file ${path} cannot be read; give the pod a service account and leave automountServiceAccountToken on.`,
      { cause: error },
    )
  })
}
