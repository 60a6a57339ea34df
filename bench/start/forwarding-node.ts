import { type ChildProcessByStdio, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'

/** What came of a stream of a datagram a millisecond. */
export interface Forwarded {
  readonly sent: number
  readonly received: number
  /** Longest time in which none arrived. */
  readonly gapMs: number
}

const ADDRESS = '10.96.2.2'

const setUp = (from: string, to: string): string => `
  sysctl -qw net.ipv4.ip_forward=1
  ip link add in type veth peer name eth0 netns ${from}
  ip link add out type veth peer name eth0 netns ${to}
  ip address add 10.96.1.1/24 dev in
  ip address add 10.96.2.1/24 dev out
  ip link set in up
  ip link set out up
  ip -n ${from} address add 10.96.1.2/24 dev eth0
  ip -n ${from} link set eth0 up
  ip -n ${from} route add default via 10.96.1.1
  ip -n ${to} address add ${ADDRESS}/24 dev eth0
  ip -n ${to} link set eth0 up
  ip -n ${to} route add default via 10.96.2.1
`

/** A node in a network namespace that forwards a stream of others all the time. */
export class ForwardingNode {
  readonly netns: string
  readonly #names: readonly string[]
  readonly #stream: ChildProcessByStdio<Writable, Readable, null>
  readonly #lines: AsyncIterator<string>

  /** @param program stream.c, compiled */
  static open(name: string, program: string): ForwardingNode {
    const names = ['', '-from', '-to'].map((end) => `${name}${end}`)
    const remove = (): void => names.forEach(removeNamespace)
    try {
      for (const one of names) execFileSync('ip', ['netns', 'add', one])
      const [, from = '', to = ''] = names
      execFileSync('ip', ['netns', 'exec', name, 'sh', '-ec', setUp(from, to)])
      return new ForwardingNode(names, program)
    } catch (error) {
      remove()
      throw error
    }
  }

  private constructor(names: readonly string[], program: string) {
    const [node, from, to] = names.map((name) => `/run/netns/${name}`)
    this.netns = node ?? ''
    this.#names = names
    this.#stream = spawn(program, [from ?? '', to ?? '', ADDRESS], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    this.#lines = createInterface({ input: this.#stream.stdout })[Symbol.asyncIterator]()
  }

  /** Of the time since the last call. @throws Error when nothing at all was forwarded */
  async forwarded(): Promise<Forwarded> {
    this.#stream.stdin.write('\n')
    const { value }: IteratorResult<string, unknown> = await this.#lines.next()
    const [sent = 0, received = 0, gapNs = 0] = String(value).split(' ').map(Number)
    if (received > 0) return { sent, received, gapMs: gapNs / 1e6 }
    throw new Error(
      `Of ${sent} datagrams none was forwarded by ${this.netns}: the figures are void.`,
    )
  }

  async close(): Promise<void> {
    const ended = once(this.#stream, 'exit')
    if (this.#stream.exitCode === null && this.#stream.signalCode === null) {
      this.#stream.stdin.end()
      await ended
    }
    for (const name of this.#names) removeNamespace(name)
  }
}

function removeNamespace(name: string): void {
  try {
    execFileSync('ip', ['netns', 'delete', name], { stdio: 'ignore' })
  } catch {
    // It was not made yet.
  }
}
