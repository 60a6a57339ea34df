import { createServer, type ServerOptions } from 'node:https'
import { describe, expect, onTestFinished, test } from 'vitest'
import { KUBERNETES_SYSTEM } from '../../../src/agent/kubernetes-system.ts'
import { createClient } from '../../../src/cluster/kubernetes/client.ts'
import { type Access, rereadCredentials } from '../../../src/cluster/kubernetes/credentials.ts'
import { inClusterCredentials } from '../../../src/cluster/kubernetes/in-cluster.ts'
import { kubeconfigCredentials } from '../../../src/cluster/kubernetes/kubeconfig.ts'
import { AUTHORITY, CLIENT, OTHER_AUTHORITY, SERVER } from './certificates.ts'

/** Files that are only in memory, and a clock. */
function fakeSystem(files: Record<string, string>) {
  const clock = { now: 0 }
  const system = {
    now: () => clock.now,
    readFile: async (path: string) => {
      const text = files[path]
      if (text === undefined) throw new Error(`ENOENT: ${path}`)
      return text
    },
  }
  return { clock, files, system }
}

describe('in a pod', () => {
  const env = { KUBERNETES_SERVICE_HOST: '10.96.0.1', KUBERNETES_SERVICE_PORT: '443' }
  const mounted = () => fakeSystem({ '/sa/token': 'one\n', '/sa/ca.crt': 'CA' })

  test('server from the environment, token and authority from files', async () => {
    const { system } = mounted()
    const credentials = inClusterCredentials({ system, env, directory: '/sa' })
    const { server, ...rest } = await credentials.current()
    expect(server.href).toBe('https://10.96.0.1/')
    expect(rest).toEqual({ token: 'one', tls: { ca: 'CA' } })
  })

  test('an IPv6 service', async () => {
    const { system } = mounted()
    const six = { ...env, KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '6443' }
    const credentials = inClusterCredentials({ system, env: six, directory: '/sa' })
    expect((await credentials.current()).server.href).toBe('https://[fd00::1]:6443/')
  })

  test('a token that is rotated is read within a minute, or when the server wants none of the old', async () => {
    const { system, files, clock } = mounted()
    const credentials = inClusterCredentials({ system, env, directory: '/sa' })
    await credentials.current()
    files['/sa/token'] = 'two'
    expect((await credentials.current()).token).toBe('one')
    clock.now = 60_000
    expect((await credentials.current()).token).toBe('two')
    files['/sa/token'] = 'three'
    files['/sa/ca.crt'] = 'new CA'
    credentials.expire()
    expect(await credentials.current()).toMatchObject({ token: 'three', tls: { ca: 'new CA' } })
  })

  test('files that cannot be read: the last token stays, and without one it is told', async () => {
    const { system, files, clock } = mounted()
    const credentials = inClusterCredentials({ system, env, directory: '/sa' })
    await credentials.current()
    delete files['/sa/token']
    clock.now = 60_000
    expect((await credentials.current()).token).toBe('one')
    const never = inClusterCredentials({ system, env, directory: '/elsewhere' })
    await expect(never.current()).rejects.toThrow('/elsewhere/token cannot be read; give the pod')
  })

  test('elsewhere than in a pod', () => {
    expect(() => inClusterCredentials({ ...mounted(), env: {} })).toThrow('this is no pod')
  })
})

describe('a kubeconfig', () => {
  const config = (cluster: object, user: object) =>
    JSON.stringify({
      'current-context': 'here',
      contexts: [
        { name: 'there', context: { cluster: 'c2', user: 'u' } },
        { name: 'here', context: { cluster: 'c', user: 'u' } },
      ],
      clusters: [
        { name: 'c', cluster: { server: 'https://10.0.0.1:6443', ...cluster } },
        { name: 'c2', cluster: { server: 'https://10.0.0.2:6443' } },
      ],
      users: [{ name: 'u', user }],
    })
  const read = (text: string, files: Record<string, string> = {}, context?: string) => {
    const { system } = fakeSystem({ '/etc/k/config': text, ...files })
    const options = { path: '/etc/k/config', system, ...(context !== undefined && { context }) }
    return kubeconfigCredentials(options).current()
  }
  const base64 = (text: string) => Buffer.from(text).toString('base64')

  test('with everything in it', async () => {
    const cluster = { 'certificate-authority-data': base64('CA'), 'tls-server-name': 'api' }
    const user = {
      'client-certificate-data': base64('CERT'),
      'client-key-data': base64('KEY'),
      token: 'secret',
    }
    const access = await read(config(cluster, user))
    expect(access).toEqual({
      server: new URL('https://10.0.0.1:6443'),
      token: 'secret',
      tls: { ca: 'CA', cert: 'CERT', key: 'KEY', servername: 'api' },
    })
  })

  test('with files beside it, and another context', async () => {
    const user = { 'client-certificate': 'c.crt', 'client-key': '/abs/c.key', tokenFile: 'token' }
    const files = { '/etc/k/c.crt': 'CERT', '/abs/c.key': 'KEY', '/etc/k/token': 'secret\n' }
    expect(await read(config({}, user), files, 'there')).toEqual({
      server: new URL('https://10.0.0.2:6443'),
      token: 'secret',
      tls: { cert: 'CERT', key: 'KEY' },
    })
  })

  test.each([
    [config({ 'insecure-skip-tls-verify': true }, {}), 'with insecure-skip-tls-verify'],
    [config({}, { username: 'admin' }), 'with username, which Sluice does not take'],
    [config({ server: 'nowhere' }, {}), 'whose server is no http(s) URL'],
    [config({}, {}).replace('"here"', '"lost"'), 'has no context named "lost"'],
    ['', 'has no context named ""'],
    [config({}, { tokenFile: 'gone' }), 'ENOENT: /etc/k/gone'],
  ])('that cannot be used: %s', async (text, error) => {
    await expect(read(text)).rejects.toThrow(error)
  })
})

describe('TLS', () => {
  const serve = async (options: ServerOptions = {}): Promise<URL> => {
    const server = createServer({ ...SERVER, ...options }, (request, response) => {
      const { socket } = request
      response.end(JSON.stringify({ client: 'authorized' in socket && socket.authorized === true }))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void server.close())
    const address = server.address()
    return new URL(`https://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`)
  }
  const get = async (access: Access): Promise<string> => {
    const credentials = rereadCredentials(() => Promise.resolve(access), Date.now)
    const client = createClient(credentials, KUBERNETES_SYSTEM)
    onTestFinished(() => client.close())
    const { signal } = new AbortController()
    let text = ''
    const options = { answerMs: 5_000, quietMs: 5_000, signal }
    for await (const chunk of client.get('/', options)) text += chunk.toString()
    return text
  }

  test('the server must have a certificate of the authority', async () => {
    const server = await serve()
    expect(await get({ server, tls: { ca: AUTHORITY } })).toBe('{"client":false}')
    await expect(get({ server, tls: { ca: OTHER_AUTHORITY } })).rejects.toThrow('unable to verify')
    await expect(get({ server, tls: {} })).rejects.toThrow('unable to verify')
  })

  test('for its own name', async () => {
    const server = await serve()
    const tls = { ca: AUTHORITY, servername: 'api.test' }
    expect(await get({ server, tls })).toBe('{"client":false}')
    const other = { ca: AUTHORITY, servername: 'other.test' }
    await expect(get({ server, tls: other })).rejects.toThrow(
      "does not match certificate's altnames",
    )
  })

  test('the client may have one too', async () => {
    const server = await serve({ ca: AUTHORITY, requestCert: true })
    expect(await get({ server, tls: { ca: AUTHORITY, ...CLIENT } })).toBe('{"client":true}')
  })
})
