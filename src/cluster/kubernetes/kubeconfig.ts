import { dirname, resolve } from 'node:path'
import { type Json, type JsonObject, listAt, memberAt, objectAt, textAt } from '../json.ts'
import { type Access, type Credentials, rereadCredentials } from './credentials.ts'
import type { ExecUser, UserSecrets } from './exec-credentials.ts'
import type { KubernetesSystem } from './system.ts'

export interface KubeconfigOptions {
  readonly path: string
  readonly system: Pick<KubernetesSystem, 'readFile' | 'now'>
  /** A context of the file; its `current-context` without. */
  readonly context?: string
}

/**
 * The access that a kubeconfig file gives: certificates or a token, in the file, in files beside it, or from a program
 * (`exec`, `auth-provider`). A password or a proxy is refused, and so is TLS without verification.
 */
export function kubeconfigCredentials(options: KubeconfigOptions): Credentials {
  return rereadCredentials(() => readAccess(options), options.system.now)
}

async function readAccess({ path, system, context: wanted }: KubeconfigOptions): Promise<Access> {
  const { default: yaml } = await import('yaml')
  const source = await system.readFile(path, 'utf8')
  const config: Json = yaml.parse(source)
  const name = wanted ?? textAt(config, 'current-context')
  const context = entry(path, config, 'context', name)
  const cluster = entry(path, config, 'cluster', textAt(context, 'cluster'))
  const user = entry(path, config, 'user', textAt(context, 'user'))
  refuse(path, 'cluster', cluster, ['insecure-skip-tls-verify', 'proxy-url'])
  refuse(path, 'user', user, ['username', 'as'])
  const ca = await textOrFile(path, cluster, 'certificate-authority', system)
  const { token, cert, key } = PROGRAMS.some((program) => memberAt(user, program) !== undefined)
    ? await fromProgram({ path, text: source, context: name, user: textAt(context, 'user') })
    : await fromFiles(path, user, system)
  const servername = textAt(cluster, 'tls-server-name')
  return {
    server: serverOf(path, cluster),
    ...(token !== '' && { token }),
    tls: {
      ...(ca !== '' && { ca }),
      ...(cert !== '' && { cert }),
      ...(key !== '' && { key }),
      ...(servername !== '' && { servername }),
    },
  }
}

/** What a user of a kubeconfig may have that names a program. */
const PROGRAMS = ['exec', 'auth-provider']

/** Loads the library for it on first use: most kubeconfigs need none. */
async function fromProgram(user: ExecUser): Promise<UserSecrets> {
  const { execCredentials } = await import('./exec-credentials.ts')
  return execCredentials(user)
}

async function fromFiles(
  path: string,
  user: JsonObject,
  system: Pick<KubernetesSystem, 'readFile'>,
): Promise<UserSecrets> {
  const [cert, key, token] = await Promise.all([
    textOrFile(path, user, 'client-certificate', system),
    textOrFile(path, user, 'client-key', system),
    textAt(user, 'token') || fileAt(path, textAt(user, 'tokenFile'), system),
  ])
  return { cert, key, token: token.trim() }
}

/** One of `contexts`, `clusters` or `users`, by name. */
function entry(path: string, config: Json, kind: 'context' | 'cluster' | 'user', name: string) {
  const found = listAt(config, `${kind}s`).find((one) => textAt(one, 'name') === name)
  if (found !== undefined) return objectAt(found, kind)
  throw new Error(`The kubeconfig ${path} has no ${kind} named ${JSON.stringify(name)}; add it.`)
}

function refuse(path: string, kind: string, object: JsonObject, keys: readonly string[]): void {
  for (const key of keys) {
    const value = memberAt(object, key)
    if (value === undefined || value === false || value === '') continue
    throw new Error(
      `The kubeconfig ${path} has a ${kind} with ${key}, which Sluice does not take; use a certificate, a token or exec.`,
    )
  }
}

function serverOf(path: string, cluster: JsonObject): URL {
  const text = textAt(cluster, 'server')
  const server = URL.canParse(text) ? new URL(text) : undefined
  if (server?.protocol === 'https:' || server?.protocol === 'http:') return server
  throw new Error(`The kubeconfig ${path} has a cluster whose server is no http(s) URL.`)
}

/** What `key-data` holds in base64, or the file that `key` names. */
async function textOrFile(
  path: string,
  object: JsonObject,
  key: string,
  system: Pick<KubernetesSystem, 'readFile'>,
): Promise<string> {
  const data = textAt(object, `${key}-data`)
  if (data !== '') return Buffer.from(data, 'base64').toString()
  return fileAt(path, textAt(object, key), system)
}

/** Names are relative to the kubeconfig. */
async function fileAt(
  path: string,
  name: string,
  { readFile }: Pick<KubernetesSystem, 'readFile'>,
): Promise<string> {
  return name === '' ? '' : readFile(resolve(dirname(path), name), 'utf8')
}
