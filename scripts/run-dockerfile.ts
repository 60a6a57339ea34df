import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type Instruction, parseDockerfile } from './parse-dockerfile.ts'

/**
 * `node scripts/run-dockerfile.ts DIRECTORY`: carries out ../Dockerfile with debootstrap and chroot, as root, for
 * machines without a container engine. Each stage becomes a directory in DIRECTORY, named as in the Dockerfile; the
 * last one, `image`, is the image's root, in which the programs are then started. About two minutes.
 */
const context = join(import.meta.dirname, '..')
const [directory] = process.argv.slice(2)
if (directory === undefined) throw new Error('Name a directory for the stages.')
const place = directory
mkdirSync(place, { recursive: true })

/** The network is this machine's: its resolver, and the authorities that it trusts, which may include a proxy's. */
const AUTHORITIES = '/etc/ssl/certs/ca-certificates.crt'
const OF_THE_MACHINE = ['/etc/resolv.conf', AUTHORITIES]

interface Stage {
  readonly root: string
  workdir: string
}

const stages = new Map<string, Stage>()
let stage: Stage | undefined
for (const instruction of parseDockerfile(readFileSync(join(context, 'Dockerfile'), 'utf8'))) {
  console.error(`==> ${instruction.source}`)
  stage = carryOut(instruction, stage)
}

checkImage(join(place, 'image'))

/** What the DaemonSet does first on a node, and the options that it gives to the agent. */
function checkImage(root: string): void {
  const sluice = (...args: readonly string[]): void => {
    console.error(`==> sluice ${args.join(' ')}`)
    shell('chroot', root, '/usr/bin/sluice', ...args)
  }
  sluice('install', '--cni-bin-dir=/tmp/bin', '--loopback=/usr/libexec/cni/loopback')
  sluice('agent', '--help')
  for (const program of ['sluice-cni', 'loopback']) {
    shell('env', 'CNI_COMMAND=VERSION', join(root, 'tmp', 'bin', program))
  }
  rmSync(join(root, 'tmp', 'bin'), { recursive: true })
}

function carryOut(instruction: Instruction, current: Stage | undefined): Stage {
  if (instruction.kind === 'FROM') return begin(instruction)
  if (current === undefined) throw new Error('The Dockerfile must begin with FROM.')
  switch (instruction.kind) {
    case 'RUN':
      run(current, instruction.command)
      break
    case 'WORKDIR':
      current.workdir = instruction.path
      mkdirSync(join(current.root, current.workdir), { recursive: true })
      break
    case 'COPY':
      copy(current, instruction)
      break
    case 'setting':
      break
  }
  return current
}

function begin({ image, name }: Extract<Instruction, { kind: 'FROM' }>): Stage {
  const root = join(place, name ?? 'image')
  rmSync(root, { recursive: true, force: true })
  const suite = /^debian:(\w+)-slim$/.exec(image)?.[1]
  if (suite !== undefined) shell('debootstrap', '--variant=minbase', suite, root)
  else if (image === 'scratch') mkdirSync(root, { recursive: true })
  else throw new Error(`FROM ${image}: only debian:SUITE-slim and scratch can be made here.`)
  const begun = { root, workdir: '/' }
  if (name !== undefined) stages.set(name, begun)
  return begun
}

/** In namespaces of its own, so that mounts and processes end with it. npm needs /proc. */
function run({ root, workdir }: Stage, command: string): void {
  for (const file of OF_THE_MACHINE) {
    if (existsSync(file)) cpSync(file, join(root, file), { dereference: true })
  }
  const script = 'mount -t proc proc "$1/proc" && exec chroot "$1" sh -ec "cd $2; $3"'
  shell('unshare', '-m', '-p', '--fork', 'sh', '-c', script, 'sh', root, workdir, command)
}

function copy(
  stage: Stage,
  { from, sources, target }: Extract<Instruction, { kind: 'COPY' }>,
): void {
  const source = from === undefined ? context : stages.get(from)?.root
  if (source === undefined) throw new Error(`COPY --from=${from}: there is no such stage.`)
  const destination = join(
    stage.root,
    target.startsWith('/') ? target : join(stage.workdir, target),
  )
  for (const path of sources) {
    // As COPY does: a directory's content, and a file into a target that ends like a directory.
    const into = target.endsWith('/') && !path.endsWith('/') ? join(destination, path) : destination
    cpSync(join(source, path), into, {
      recursive: true,
      verbatimSymlinks: true,
      filter: isIncluded,
    })
  }
}

/** .dockerignore leaves out what is built. */
function isIncluded(path: string): boolean {
  return path !== join(context, 'native', 'build')
}

function shell(program: string, ...args: readonly string[]): void {
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: AUTHORITIES }
  execFileSync(program, args, { stdio: ['ignore', 'inherit', 'inherit'], env })
}
