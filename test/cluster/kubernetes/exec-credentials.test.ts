import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { kubeconfigCredentials } from '../../../src/cluster/kubernetes/kubeconfig.ts'

/** A kubeconfig whose user has a program, in a directory for the length of a test. */
async function kubeconfigWith(script: string, more: object = {}) {
  const directory = await mkdtemp(join(tmpdir(), 'sluice-exec-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  const program = join(directory, 'program')
  await writeFile(program, `#!/bin/sh\n${script}\n`)
  await chmod(program, 0o755)
  const path = join(directory, 'config')
  const user = { exec: execOf(program, ['a b']), ...more }
  await writeFile(path, JSON.stringify(configFor(user)))
  await writeFile(join(directory, 'ca.crt'), 'CA')
  const clock = { now: 0 }
  const system = { now: () => clock.now, readFile }
  return { clock, directory, path, credentials: kubeconfigCredentials({ path, system }) }
}

function execOf(command: string, args: readonly string[]) {
  const env = [{ name: 'GREETING', value: 'hello' }]
  return { apiVersion: 'client.authentication.k8s.io/v1', command, args, env }
}

function configFor(user: object) {
  const cluster = {
    server: 'https://10.0.0.1:6443',
    'certificate-authority': 'ca.crt',
    'tls-server-name': 'api',
  }
  return {
    'current-context': 'here',
    contexts: [{ name: 'here', context: { cluster: 'c', user: 'someone' } }],
    clusters: [{ name: 'c', cluster }],
    users: [{ name: 'someone', user }],
  }
}

/** Prints an ExecCredential; `$…` is the shell's. */
function answer(status: Record<string, string>): string {
  const pairs = Object.entries(status).map(([key, value]) => `\\"${key}\\":\\"${value}\\"`)
  return `echo "{\\"kind\\":\\"ExecCredential\\",\\"status\\":{${pairs.join(',')}}}"`
}

describe('a user with a program', () => {
  test('gives its token, with arguments and environment of the kubeconfig', async () => {
    const { credentials } = await kubeconfigWith(answer({ token: '$GREETING $1' }))
    expect(await credentials.current()).toEqual({
      server: new URL('https://10.0.0.1:6443'),
      token: 'hello a b',
      tls: { ca: 'CA', servername: 'api' },
    })
  })

  test('gives a certificate and its key', async () => {
    const status = { clientCertificateData: 'CERT', clientKeyData: 'KEY' }
    const { credentials } = await kubeconfigWith(answer(status))
    const access = await credentials.current()
    expect(access.tls).toEqual({ ca: 'CA', servername: 'api', cert: 'CERT', key: 'KEY' })
    expect(access).not.toHaveProperty('token')
  })

  test('is run once for all who ask, again after a minute, and when the server wants none of the old', async () => {
    const script = `echo run >> "$(dirname "$0")/runs"\n${answer({ token: '$(wc -l < "$(dirname "$0")/runs")' })}`
    const { clock, credentials, directory } = await kubeconfigWith(script)
    const asked = await Promise.all([1, 2, 3].map(() => credentials.current()))
    expect(asked.map(({ token }) => token)).toEqual(['1', '1', '1'])
    clock.now = 59_999
    expect((await credentials.current()).token).toBe('1')
    clock.now = 60_000
    expect((await credentials.current()).token).toBe('2')
    credentials.expire()
    expect((await credentials.current()).token).toBe('3')
    expect(await readFile(join(directory, 'runs'), 'utf8')).toBe('run\nrun\nrun\n')
  })

  test('that fails later: the last token stays', async () => {
    const script = `${answer({ token: 'one' })}; rm "$0"`
    const { credentials } = await kubeconfigWith(script)
    await credentials.current()
    credentials.expire()
    expect((await credentials.current()).token).toBe('one')
  })

  test.each([
    ['echo "Log in first." >&2; exit 1', 'gets no credentials from its program: Log in first. Run'],
    ['exit 1', 'gets no credentials from its program: it does not say why. Run'],
    ['echo nonsense', 'gets no credentials from its program: Unexpected token'],
    [answer({}), 'has a program that gives neither a token nor a certificate with its key; see'],
    [answer({ clientCertificateData: 'CERT' }), 'gives neither a token nor a certificate'],
  ])('that fails is named: %s', async (script, reason) => {
    const { path, credentials } = await kubeconfigWith(script)
    const failure = expect(credentials.current()).rejects
    await failure.toThrow(`The user "someone" of the kubeconfig ${path} `)
    await expect(credentials.current()).rejects.toThrow(reason)
  })

  test('that is not there', async () => {
    const { credentials } = await kubeconfigWith('', { exec: { command: '/nowhere/program' } })
    await expect(credentials.current()).rejects.toThrow('program: spawn /nowhere/program ENOENT.')
  })

  test('as auth-provider', async () => {
    const { credentials, directory, path } = await kubeconfigWith('')
    const config = { tokenFile: join(directory, 'token') }
    await writeFile(config.tokenFile, 'secret\n')
    await writeFile(path, JSON.stringify(configFor({ 'auth-provider': { name: 'file', config } })))
    expect((await credentials.current()).token).toBe('secret')
  })
})
