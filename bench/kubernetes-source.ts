/**
 * What it costs to learn a whole cluster from an API server: time, memory, and how long anything else has to
 * wait. The goals are 5 s, 200 MiB and 10 ms for 100,000 pods.
 *
 *     node bench/kubernetes-source.ts [pods]
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { get } from 'node:http'
import { connect } from 'node:http2'
import { arch, cpus, release, tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import * as v from 'valibot'
import { podText } from './kubernetes-source/pod-text.ts'

const RESULTS = join(import.meta.dirname, 'results', 'kubernetes-source.json')
const PARTS = join(import.meta.dirname, 'kubernetes-source')
const PODS = Number(process.argv[2] ?? 100_000)
const ROUNDS = 3
/** As the agent is to run: a larger young generation, and a heap of C for each thread, only take memory. */
const NODE_FLAGS = ['--max-semi-space-size=4']
const ENVIRONMENT = { ...process.env, MALLOC_ARENA_MAX: '1' }

const portsSchema = v.tuple([v.number(), v.number()])
const resultSchema = v.object({
  pods: v.number(),
  seconds: v.number(),
  peakRssMiB: v.number(),
  cpuSeconds: v.number(),
  longestStepMs: v.number(),
})

const scratch = await mkdtemp(join(tmpdir(), 'sluice-bench-'))
const bundle = join(scratch, 'client.mjs')
const server = run(join(PARTS, 'server.ts'), [String(PODS)], [])
try {
  await bundleClient()
  const [port, port2] = v.parse(portsSchema, await messageFrom(server))
  const rounds = []
  for (let round = 0; round < ROUNDS; round++) {
    const client = run(bundle, [`http://127.0.0.1:${port}`], NODE_FLAGS)
    rounds.push(v.parse(resultSchema, await messageFrom(client)))
  }
  const transports = {
    'HTTP/1.1': await secondsToRead((url, done) => readHttp1(url, done), port),
    'HTTP/2': await secondsToRead((url, done) => readHttp2(url, done), port2),
  }
  const results = {
    machine: `Linux ${release()} ${arch()}, ${cpus().length} × ${cpus()[0]?.model}, Node.js ${process.version}`,
    bytesOfPod: Buffer.byteLength(podText(0)),
    rounds,
    secondsToReadTheList: transports,
  }
  await mkdir(join(RESULTS, '..'), { recursive: true })
  await writeFile(RESULTS, `${JSON.stringify(results, null, 2)}\n`)
  console.log(results.machine)
  console.log(`\n${PODS} pods of ${results.bytesOfPod} bytes, known to the cluster state:`)
  console.table(rounds)
  console.log('The same list read and thrown away, in seconds:')
  console.table(transports)
} finally {
  server.kill()
  await rm(scratch, { recursive: true })
}

/** As the agent is: to strip types takes Node.js 40 MiB that are no part of what is measured. */
async function bundleClient(): Promise<void> {
  await build({
    entryPoints: [join(PARTS, 'client.ts')],
    outfile: bundle,
    bundle: true,
    platform: 'node',
    format: 'esm',
    external: ['yaml'],
  })
}

function run(path: string, args: readonly string[], execArgv: readonly string[]): ChildProcess {
  return fork(path, args, {
    env: ENVIRONMENT,
    execArgv: [...execArgv],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
}

async function messageFrom(child: ChildProcess): Promise<unknown> {
  const [message]: unknown[] = await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(() => Promise.reject(new Error('A process of the benchmark ended.'))),
  ])
  return message
}

async function secondsToRead(
  read: (url: URL, done: () => void) => void,
  port: number,
): Promise<number> {
  const startedAt = performance.now()
  const url = new URL(`http://127.0.0.1:${port}/api/v1/pods`)
  await new Promise<void>((resolve) => read(url, resolve))
  return (performance.now() - startedAt) / 1000
}

function readHttp1(url: URL, done: () => void): void {
  get(url, (answer) => void answer.resume().on('end', done))
}

function readHttp2(url: URL, done: () => void): void {
  const session = connect(url)
  const stream = session.request({ ':path': url.pathname })
  stream.resume().on('end', () => {
    session.close()
    done()
  })
}
