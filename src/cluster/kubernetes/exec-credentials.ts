import type { RequestOptions } from 'node:https'
import { dirname } from 'node:path'
import { KubeConfig } from '@kubernetes/client-node'

export interface ExecUser {
  /** Of the kubeconfig; names of files in it are relative to it. */
  readonly path: string
  /** What is in it. */
  readonly text: string
  readonly context: string
  /** The name of the context's user. */
  readonly user: string
}

/** What a user authenticates with; certificate and key are PEM. */
export interface UserSecrets {
  readonly token: string
  readonly cert: string
  readonly key: string
}

/**
 * Runs the program that a user of a kubeconfig has as `exec` or `auth-provider`, and returns what it answers, with ''
 * for what it does not give. Import this module only when there is such a user: the library takes a second to load.
 * @throws {Error} when the program fails, or gives neither a token nor a certificate
 */
export async function execCredentials({
  path,
  text,
  context,
  user,
}: ExecUser): Promise<UserSecrets> {
  const subject = `The user ${JSON.stringify(user)} of the kubeconfig ${path}`
  const options: RequestOptions = {}
  try {
    const config = new KubeConfig()
    config.loadFromString(text)
    config.makePathsAbsolute(dirname(path))
    config.setCurrentContext(context)
    await config.applyToHTTPSOptions(options)
  } catch (error) {
    const said = error instanceof Error ? error.message.trim().replace(/\.$/, '') : String(error)
    throw new Error(
      `${subject} gets no credentials from its program: ${said || 'it does not say why'}. Run the program by hand.`,
      { cause: error },
    )
  }
  const secrets = {
    token: bearerOf(options),
    cert: pemOf(options.cert),
    key: pemOf(options.key),
  }
  if (secrets.token !== '' || (secrets.cert !== '' && secrets.key !== '')) return secrets
  throw new Error(
    `${subject} has a program that gives neither a token nor a certificate with its key; see what it prints.`,
  )
}

function bearerOf({ headers = {} }: RequestOptions): string {
  const header = 'Authorization' in headers ? headers['Authorization'] : undefined
  return typeof header === 'string' ? header.replace(/^Bearer /, '').trim() : ''
}

/** The library gives text as the program printed it, or the bytes of a file. */
function pemOf(value: RequestOptions['cert'] | RequestOptions['key']): string {
  return typeof value === 'string' || Buffer.isBuffer(value) ? value.toString() : ''
}
