import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect } from 'vitest'
import { MIB, reply } from './shim.ts'
import type { ShimCase } from './shim.ts'

/** sluice-cni when the agent answers, and when there is nothing to ask it. */
export const agentCases: readonly ShimCase[] = [
  {
    name: 'carries the CNI variables and stdin as they are, and nothing else',
    run: async ({ call, serve }) => {
      const requests = await serve((client) => client.end(reply(0, 'fine\n')))
      const environment = {
        CNI_PATH: '/opt/cni/bin:/usr/lib/cni',
        CNI_ARGS: 'K8S_POD_NAMESPACE=a;K8S_POD_NAME=é',
        CNI_IFNAME: 'eth0',
        CNI_NETNS: '',
        CNI_CONTAINERID: 'c0ffee',
        CNI_COMMAND: 'ADD',
      }
      const stdin = Buffer.from([0, 255, 10, 34, 123])
      const outcome = await call({ ...environment, HOME: '/root', CNI_OTHER: 'x' }, stdin)
      expect(outcome).toEqual({ code: 0, signal: null, stdout: 'fine\n', stderr: '' })
      const block =
        'CNI_COMMAND=ADD\0CNI_CONTAINERID=c0ffee\0CNI_NETNS=\0CNI_IFNAME=eth0\0' +
        'CNI_ARGS=K8S_POD_NAMESPACE=a;K8S_POD_NAME=é\0CNI_PATH=/opt/cni/bin:/usr/lib/cni\0'
      const lengths = Buffer.from([Buffer.byteLength(block), 0, 0, 0, 5, 0, 0, 0])
      const frame = Buffer.concat([Buffer.from('SLC1'), lengths, Buffer.from(block), stdin])
      expect(requests).toEqual([frame])
    },
  },
  {
    name: 'ends with the exit code of the reply, of which 256 is not 0',
    run: async ({ call, serve }) => {
      const sent = [0, 1, 255, 256, 0xffffff00]
      // The stdin of each call is the code that it asks to be answered with.
      await serve((client, request) =>
        client.end(reply(Number(request.toString().split('\0').at(-1)), '')),
      )
      const outcomes = await Promise.all(
        sent.map((code) => call({ CNI_COMMAND: 'ADD' }, `${code}`)),
      )
      expect(outcomes.map(({ code }) => code)).toEqual([0, 1, 255, 1, 1])
    },
  },
  {
    name: 'passes 1 MiB of stdin and a reply of 4 MiB',
    run: async ({ call, serve }) => {
      const requests = await serve((client) => client.end(reply(0, Buffer.alloc(4 * MIB, 'b'))))
      const outcome = await call({ CNI_COMMAND: 'ADD' }, Buffer.alloc(MIB, 's'))
      expect(outcome.code).toBe(0)
      expect(outcome.stdout).toHaveLength(4 * MIB)
      expect(requests[0]?.length).toBe(12 + 'CNI_COMMAND=ADD\0'.length + MIB)
    },
  },
  {
    name: 'puts a reply in single bytes together',
    run: async ({ call, serve }) => {
      await serve((client) => {
        const bytes = [...reply(3, 'slowly')]
        const next = (): void => {
          const byte = bytes.shift()
          if (byte === undefined) client.end()
          else client.write(new Uint8Array([byte]), () => setImmediate(next))
        }
        next()
      })
      expect(await call({ CNI_COMMAND: 'CHECK' })).toMatchObject({ code: 3, stdout: 'slowly' })
    },
  },
  {
    name: 'does not wait for the end of a connection that has given its reply',
    run: async ({ call, serve }) => {
      await serve((client) => client.write(reply(0, 'done')))
      expect(await call({ CNI_COMMAND: 'ADD' })).toMatchObject({ code: 0, stdout: 'done' })
    },
  },
  {
    name: 'fails without a signal if the runtime hangs up',
    run: async ({ binary, socketPath, serve }) => {
      await serve((client) => client.end(reply(0, Buffer.alloc(4 * MIB))))
      const env = { SLUICE_CNI_SOCKET: socketPath, CNI_COMMAND: 'ADD' }
      const child = spawn(binary, { env, stdio: ['pipe', 'pipe', 'inherit'] })
      child.stdout.destroy()
      child.stdin.end('{}')
      expect(await once(child, 'exit')).toEqual([1, null])
    },
  },
  {
    name: 'refuses stdin over 1 MiB before the agent is asked',
    run: async ({ call, serve }) => {
      const requests = await serve((client) => client.end(reply(0, '')))
      const stdin = Buffer.alloc(MIB + 1, ' ')
      stdin.write('{"cniVersion":"0.3.1"')
      for (const command of ['ADD', 'DEL']) {
        const outcome = await call({ CNI_COMMAND: command, CNI_CONTAINERID: 'a' }, stdin)
        expect(outcome.code).toBe(1)
        expect(JSON.parse(outcome.stdout)).toMatchObject({ cniVersion: '0.3.1', code: 6 })
      }
      expect(requests).toEqual([])
    },
  },
  {
    name: 'refuses an environment over 64 KiB',
    run: async ({ call }) => {
      const outcome = await call({ CNI_COMMAND: 'ADD', CNI_ARGS: 'x'.repeat(64 * 1024) })
      expect(outcome.code).toBe(1)
      expect(JSON.parse(outcome.stdout)).toMatchObject({ code: 4 })
    },
  },
  {
    name: 'refuses an unknown command, and quotes it in proper JSON',
    run: async ({ call }) => {
      for (const command of ['', 'add', 'A"D\\D\n\u0001é', 'x'.repeat(1000)]) {
        const outcome = await call({ CNI_COMMAND: command }, 'not JSON at all')
        expect(outcome.code).toBe(1)
        const error = JSON.parse(outcome.stdout)
        expect(error).toMatchObject({ cniVersion: '1.1.0', code: 4 })
        const quoted = Buffer.from(command).subarray(0, 64).toString('latin1')
        expect(error.details).toContain(`It is "${quoted}", `)
      }
      expect(JSON.parse((await call({})).stdout)).toMatchObject({ code: 4 })
    },
  },
]
