import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { expect } from 'vitest'
import { MIB, header, reply } from './shim.ts'
import type { ShimCase } from './shim.ts'

const DEL = { CNI_COMMAND: 'DEL', CNI_CONTAINERID: 'c0ffee', CNI_IFNAME: 'eth0' }
const HALF_A_REPLY = reply(0, 'half a body')

const NO_ANSWERS: readonly [string, Buffer][] = [
  ['nothing at all', Buffer.alloc(0)],
  ['half a header', HALF_A_REPLY.subarray(0, 7)],
  ['half a body', HALF_A_REPLY.subarray(0, 20)],
  ['another magic', Buffer.concat([Buffer.from('HTTP'), HALF_A_REPLY.subarray(4)])],
  ['a body over 4 MiB', header(0, 4 * MIB + 1)],
]

/** sluice-cni when the agent is away, or answers with what is no answer. */
export const awayCases: readonly ShimCase[] = [
  ...['ADD', 'CHECK', 'GC', 'STATUS'].map((command) => ({
    name: `${command} is an error that names the socket, in the version that was asked with`,
    run: async ({ call, socketPath }: Parameters<ShimCase['run']>[0]) => {
      const outcome = await call({ CNI_COMMAND: command }, '{"cniVersion":"0.4.0","name":"x"}')
      expect(outcome).toMatchObject({ code: 1, stderr: '' })
      expect(JSON.parse(outcome.stdout)).toEqual({
        cniVersion: '0.4.0',
        code: command === 'STATUS' ? 50 : 11,
        msg: 'The Sluice agent of this node does not answer',
        details:
          `connecting to ${socketPath}: No such file or directory. ` +
          'Check that the sluice pod of this node is running.',
      })
    },
  })),
  {
    name: 'a socket that is none, or whose name is too long, is the agent away',
    run: async ({ call, folder, socketPath }) => {
      writeFileSync(socketPath, '')
      for (const path of [socketPath, join(folder, 'x'.repeat(200))]) {
        const outcome = await call({ CNI_COMMAND: 'STATUS', SLUICE_CNI_SOCKET: path })
        expect(JSON.parse(outcome.stdout)).toMatchObject({ code: 50 })
      }
    },
  },
  {
    name: 'VERSION is answered by the agent, or else without it',
    run: async ({ call, serve }) => {
      const alone = await call({ CNI_COMMAND: 'VERSION' })
      expect(alone.code).toBe(0)
      const supportedVersions = ['0.3.1', '0.4.0', '1.0.0', '1.1.0']
      expect(JSON.parse(alone.stdout)).toEqual({ cniVersion: '1.1.0', supportedVersions })
      for (const cniVersion of supportedVersions) {
        const old = await call({ CNI_COMMAND: 'VERSION' }, JSON.stringify({ cniVersion }))
        expect(JSON.parse(old.stdout)).toEqual({ cniVersion, supportedVersions })
      }
      await serve((client) => client.end(reply(0, '{"supportedVersions":["2.0.0"]}')))
      const asked = await call({ CNI_COMMAND: 'VERSION' })
      expect(asked.stdout).toBe('{"supportedVersions":["2.0.0"]}')
    },
  },
  ...NO_ANSWERS.map(([what, bytes]) => ({
    name: `${what} is no answer: ADD fails and DEL is kept`,
    run: async ({ call, serve, queue, socketPath }: Parameters<ShimCase['run']>[0]) => {
      await serve((client) => client.end(bytes))
      const added = await call({ ...DEL, CNI_COMMAND: 'ADD' })
      expect(added.code).toBe(1)
      const error = JSON.parse(added.stdout)
      expect(error.code).toBe(11)
      expect(error.details).toContain(`reading the reply of ${socketPath}: `)
      expect(existsSync(queue)).toBe(false)
      expect(await call(DEL)).toMatchObject({ code: 0, stdout: '' })
      expect(readdirSync(queue)).toHaveLength(1)
    },
  })),
  {
    name: 'to be hung up on in the middle of a long request is no answer, and no signal',
    run: async ({ call, folder }) => {
      const path = join(folder, 'rude.sock')
      const server = createServer((client) => client.destroy())
      server.listen(path)
      await once(server, 'listening')
      const environment = { CNI_COMMAND: 'ADD', SLUICE_CNI_SOCKET: path }
      const outcome = await call(environment, Buffer.alloc(MIB)).finally(() => server.close())
      expect(outcome).toMatchObject({ code: 1, signal: null })
      expect(JSON.parse(outcome.stdout)).toMatchObject({ code: 11 })
    },
  },
  {
    name: 'a deletion is kept as the very frame that the agent would have got',
    run: async ({ call, queue, serve }) => {
      expect(await call(DEL, '{"n":1}')).toMatchObject({ code: 0, stdout: '', stderr: '' })
      const [name] = readdirSync(queue)
      expect(name).toMatch(/^c0ffee-[0-9a-f]{16}$/)
      const path = join(queue, `${name}`)
      expect(statSync(queue).mode & 0o7777).toBe(0o700)
      expect(statSync(path).mode & 0o7777).toBe(0o600)
      const requests = await serve((client) => client.end(reply(0, '')))
      await call(DEL, '{"n":1}')
      expect(requests).toEqual([readFileSync(path)])
    },
  },
  {
    name: 'deletions at the same time have a file for each container and interface',
    run: async ({ call, folder, queue }) => {
      const ids = ['../../etc/passwd', '.hidden', 'a/b', 'a_b', 'e'.repeat(1000), 'x']
      const calls = ids.flatMap((CNI_CONTAINERID) =>
        ['eth0', 'eth1'].map((CNI_IFNAME) => ({ ...DEL, CNI_CONTAINERID, CNI_IFNAME })),
      )
      const outcomes = await Promise.all([...calls, ...calls].map((one) => call(one)))
      expect(new Set(outcomes.map(({ code }) => code))).toEqual(new Set([0]))
      const names = readdirSync(queue)
      expect(names).toHaveLength(calls.length)
      expect(names.filter((name) => name.startsWith('.'))).toEqual([])
      expect(readdirSync(folder)).toEqual(['del'])
      const kept = names.flatMap((name) => readFileSync(join(queue, name), 'latin1').split('\0'))
      const keptIds = kept.filter((part) => part.startsWith('CNI_CONTAINERID='))
      expect(new Set(keptIds)).toEqual(new Set(ids.map((id) => `CNI_CONTAINERID=${id}`)))
    },
  },
  {
    name: 'a deletion that cannot be kept is an error, and leaves nothing unfinished',
    run: async ({ call, queue }) => {
      await call(DEL)
      const [name] = readdirSync(queue)
      const path = join(queue, `${name}`)
      rmSync(path)
      mkdirSync(path)
      expect((await call(DEL)).code).toBe(1)
      expect(readdirSync(queue)).toEqual([name])

      rmSync(queue, { recursive: true })
      writeFileSync(queue, 'a file where the folder should be')
      const error = JSON.parse((await call(DEL)).stdout)
      expect(error.code).toBe(11)
      expect(error.details).toContain(`could not be queued in ${queue}: Not a directory.`)
    },
  },
  {
    name: 'a deletion without a container is refused, not kept',
    run: async ({ call, queue }) => {
      const outcome = await call({ ...DEL, CNI_CONTAINERID: '' })
      expect(JSON.parse(outcome.stdout)).toMatchObject({ code: 4 })
      expect(existsSync(queue)).toBe(false)
    },
  },
]
