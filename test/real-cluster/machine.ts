import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { attempt, type CommandOptions, type Outcome, run } from './command.ts'
import { until } from './until.ts'

export interface MachineOptions {
  readonly name: string
  /** Runs in the new namespaces, gives the machine its file system, and becomes `init`. */
  readonly script: readonly string[]
  /** What the kernel calls the first process (`/proc/PID/comm`) once the machine is up. */
  readonly init: string
  /** The directory of the logs. */
  readonly logs: string
  /** Of whatever runs on it, as `NAME=VALUE`. */
  readonly environment: readonly string[]
}

/** One machine: a process that holds namespaces of its own, and all that runs in them. */
export class Machine {
  readonly #options: MachineOptions
  readonly #init: ChildProcess
  readonly #services = new Map<string, ChildProcess>()
  #pid = 0

  private constructor(options: MachineOptions, init: ChildProcess) {
    this.#options = options
    this.#init = init
  }

  /** The machine dies with this process, however that ends: both links of the chain are told by the kernel. */
  static async start(options: MachineOptions): Promise<Machine> {
    const { name, logs, script } = options
    mkdirSync(logs, { recursive: true })
    const log = openSync(join(logs, 'machine.log'), 'w')
    const init = spawn(
      'setpriv',
      [
        ...DIE_WITH_PARENT,
        ...'unshare --mount --pid --net --uts --ipc'.split(' '),
        ...'--fork --kill-child --propagation private'.split(' '),
        ...script,
      ],
      { stdio: ['ignore', log, log], detached: true },
    )
    closeSync(log)
    const machine = new Machine(options, init)
    try {
      await until(`machine ${name} is up`, 10_000, () => machine.#findInit())
      return machine
    } catch (error) {
      await machine.stop()
      throw error
    }
  }

  get name(): string {
    return this.#options.name
  }

  /** Process id of its init, as this process sees it. */
  get pid(): number {
    return this.#pid
  }

  /** A path on this machine, as this process sees it. */
  path(path: string): string {
    return join('/proc', `${this.#pid}`, 'root', path)
  }

  run(argv: readonly string[], options?: CommandOptions): Promise<string> {
    return run([...this.#enter(), ...argv], options)
  }

  attempt(argv: readonly string[], options?: CommandOptions): Promise<Outcome> {
    return attempt([...this.#enter(), ...argv], options)
  }

  async write(path: string, text: string, mode: number = 0o644): Promise<void> {
    await this.run(['mkdir', '-p', join(path, '..')])
    await writeFile(this.path(path), text, { mode })
  }

  /** Runs a program for as long as the machine runs, or until `stopService`. Its output is in `logOf`. */
  startService(service: string, argv: readonly string[]): void {
    const log = openSync(this.logOf(service), 'a')
    // The shell leaves its number, which is the program's, for signals: it has another outside.
    const child = spawn(
      'setpriv',
      [
        ...DIE_WITH_PARENT,
        ...this.#enter(),
        'setpriv',
        ...DIE_WITH_PARENT,
        'sh',
        '-c',
        `echo $$ >/run/${service}.pid; exec "$@"`,
        'sh',
        ...argv,
      ],
      { stdio: ['ignore', log, log], detached: true },
    )
    closeSync(log)
    child.unref()
    this.#services.set(service, child)
  }

  /** Resolves when the program is gone. */
  async stopService(service: string, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.#services.get(service)
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const gone = new Promise((resolve) => child.once('exit', resolve))
    const pid = readFileSync(this.path(`/run/${service}.pid`), 'utf8').trim()
    await this.run(['kill', '-s', signal.replace('SIG', ''), pid])
    await gone
  }

  isRunning(service: string): boolean {
    const child = this.#services.get(service)
    return child !== undefined && child.exitCode === null && child.signalCode === null
  }

  logOf(service: string): string {
    return join(this.#options.logs, `${service}.log`)
  }

  /** Ends it and whatever runs on it. Resolves when its last process is gone. */
  async stop(): Promise<void> {
    if (this.#init.exitCode !== null || this.#init.signalCode !== null) return
    const gone = new Promise((resolve) => this.#init.once('exit', resolve))
    // Killing a PID namespace's init kills all that is in it.
    if (this.#pid !== 0) process.kill(this.#pid, 'SIGKILL')
    else this.#init.kill('SIGKILL')
    await gone
  }

  #enter(): string[] {
    const { environment } = this.#options
    return ['nsenter', '--target', `${this.#pid}`, '--all', 'env', '-i', ...environment]
  }

  /** The init is there once the script has become it. */
  async #findInit(): Promise<boolean> {
    if (this.#init.exitCode !== null) {
      const log = readFileSync(this.logOf('machine'), 'utf8')
      throw new Error(`Machine ${this.name} did not start:\n${log}`)
    }
    const unshare = this.#init.pid
    const children = `/proc/${unshare}/task/${unshare}/children`
    const pid = existsSync(children) ? Number(readFileSync(children, 'utf8').trim()) : 0
    if (pid === 0 || readFileSync(`/proc/${pid}/comm`, 'utf8').trim() !== this.#options.init)
      return false
    this.#pid = pid
    return true
  }
}

const DIE_WITH_PARENT = ['--pdeathsig', 'KILL']
