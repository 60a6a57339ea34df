import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import {
  createNamespace,
  deleteNamespace,
  enterNamespace,
  writeFilesInNamespace,
} from '../../src/netlink/native.ts'
import type { Case } from './in-namespace.ts'
import { openRoute, receiveMessages, setLink } from './raw-netlink.ts'
import type { Task } from './worker.ts'

const WORKER = new URL('./worker.ts', import.meta.url)
const IPV4 = '/proc/sys/net/ipv4'
const FORWARDING = `${IPV4}/ip_forward`

export const threadCases: readonly Case[] = [
  {
    name: 'a worker lives in its namespace, and the files of that namespace are written from here',
    run: async (netns) => {
      const [ownNamespace, ownForwarding] = [namespaceOfThread(), forwarding()]
      const other = ownForwarding === '1' ? '0' : '1'
      writeFilesInNamespace(netns, IPV4, { ip_forward: other })
      const worker = startWorker(netns, 'stay')
      const [report] = await once(worker, 'message')
      assert.equal(report.forwarding, other)
      assert.notEqual(report.namespace, ownNamespace)
      assert.deepEqual([namespaceOfThread(), forwarding()], [ownNamespace, ownForwarding])
      await worker.terminate()
    },
  },
  {
    name: 'a socket that is not referenced lets its worker end',
    run: async (netns) => {
      const worker = startWorker(netns, 'unref')
      assert.deepEqual(await once(worker, 'exit'), [0])
    },
  },
  {
    name: 'a referenced socket keeps its worker until it is closed',
    run: async (netns) => {
      const worker = startWorker(netns, 'close')
      await once(worker, 'message')
      const [heard, ended] = [once(worker, 'message'), once(worker, 'exit')]
      setLoopbackUp(netns)
      assert.deepEqual(await heard, ['heard'])
      assert.deepEqual(await ended, [0])
    },
  },
  {
    name: 'a worker may exit from within a callback',
    run: async (netns) => {
      const worker = startWorker(netns, 'exit')
      await once(worker, 'message')
      const ended = once(worker, 'exit')
      setLoopbackUp(netns)
      assert.deepEqual(await ended, [3])
    },
  },
  {
    name: 'an exception in a callback is an uncaught one',
    run: async (netns) => {
      const worker = startWorker(netns, 'throw')
      await once(worker, 'message')
      const failed = once(worker, 'error')
      setLoopbackUp(netns)
      const [error] = await failed
      assert.equal(error.message, 'thrown in a callback')
    },
  },
  {
    name: 'workers are terminated while datagrams arrive',
    run: async (netns) => {
      const workers = Array.from({ length: 3 }, () => startWorker(netns, 'stay'))
      await Promise.all(workers.map((worker) => once(worker, 'message')))
      const socket = openRoute({ netns })
      const endings = workers.map((worker) => worker.terminate())
      for (let i = 0; i < 200; i++) {
        socket.send(setLink(1, i % 2 === 0, i))
        receiveMessages(socket)
        if (i % 20 === 0) await setImmediate()
      }
      await Promise.all(endings)
      socket.close()
    },
  },
  {
    name: 'the watching thread outlives the only worker that had loaded the addon',
    run: async (netns) => {
      const worker = JSON.stringify(WORKER.href)
      const task = JSON.stringify({ netns, ending: 'unref' } satisfies Task)
      const program =
        `new (require('node:worker_threads').Worker)(new URL(${worker}), { workerData: ${task} })` +
        `.once('exit', () => { console.log('ended'); process.stdin.resume() })`
      const child = spawn(process.execPath, ['-e', program], {
        stdio: ['pipe', 'pipe', 'inherit'],
      })
      await once(child.stdout, 'data')
      // Continuing after a stop wakes epoll_wait(2): into code that is no longer there, if unloaded.
      child.kill('SIGSTOP')
      child.kill('SIGCONT')
      child.stdin.end()
      assert.deepEqual(await once(child, 'exit'), [0, null])
    },
  },
  {
    name: 'a namespace is made once and deleted as often as one likes',
    run: (netns) => {
      assert.throws(() => createNamespace(netns), {
        code: 'EEXIST',
        message: `Cannot create the network namespace ${netns}: File exists (EEXIST).`,
      })
      assert.ok(existsSync(netns))
      const missing = join(netns, '..', 'missing')
      assert.throws(() => createNamespace(join(missing, 'x')), { code: 'ENOENT' })
      assert.throws(() => enterNamespace(missing), { code: 'ENOENT', syscall: 'open' })
      deleteNamespace(netns)
      assert.ok(!existsSync(netns))
      deleteNamespace(netns)
      deleteNamespace(missing)
    },
  },
  {
    name: 'what cannot be entered or written is an error that names it',
    run: (netns) => {
      const file = join(netns, '..', 'file')
      writeFileSync(file, '')
      const own = namespaceOfThread()
      assert.throws(() => enterNamespace(file), { code: 'EINVAL', syscall: 'setns' })
      assert.throws(() => openRoute({ netns: file }), { code: 'EINVAL', syscall: 'setns' })
      assert.throws(() => writeFilesInNamespace(netns, IPV4, { ip_forward: 'many' }), {
        code: 'EINVAL',
        message: `Cannot write ${FORWARDING} in the network namespace ${netns}: Invalid argument (EINVAL).`,
      })
      const writeOddly = (texts: unknown) => () =>
        Reflect.apply(writeFilesInNamespace, undefined, [netns, IPV4, texts])
      assert.throws(writeOddly({ ip_forward: 1 }), { message: 'text must be a string.' })
      assert.throws(writeOddly({}), { message: 'files must be 1 to 8.' })
      assert.equal(namespaceOfThread(), own)
    },
  },
]

function startWorker(netns: string, ending: Task['ending']): Worker {
  const workerData: Task = { netns, ending }
  return new Worker(WORKER, { workerData })
}

function setLoopbackUp(netns: string): void {
  const socket = openRoute({ netns })
  socket.send(setLink(1, true, 1))
  socket.close()
}

function namespaceOfThread(): string {
  return readlinkSync('/proc/thread-self/ns/net')
}

function forwarding(): string {
  return readFileSync(FORWARDING, 'utf8').trim()
}
