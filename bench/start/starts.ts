import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { openSync, closeSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import type { KernelState } from '../../src/dataplane/kernel-state.ts'
import { NETLINK_NETFILTER } from '../../src/netlink/constants.ts'
import { openNetlink } from '../../src/netlink/socket.ts'
import { compileC } from '../harness/compile-c.ts'
import { startChild } from './child.ts'
import type { ClusterSize } from './cluster-texts.ts'
import { ForwardingNode } from './forwarding-node.ts'
import { kernelBytes } from './kernel-bytes.ts'
import { readUntil } from './read-until.ts'
import { sizeArguments } from './size-arguments.ts'

/** What one start took. */
export interface Start {
  readonly ms: number
  /** Longest gaps of what the node forwards meanwhile, of what another node does, and before it began. */
  readonly gapMs: { readonly here: number; readonly elsewhere: number; readonly idle: number }
  /** What the kernel took for it. */
  readonly kernelMiB: number
}

/** Over no table, or over the one that an earlier agent has left. */
export type StartKind = 'cold' | 'again'

const MIB = 1024 * 1024
/** For what the kernel frees later. */
const REST_MS = 300

/** Three nodes that forward: one for our starts, one for those by `nft -f`, and one of others. */
export class Starts {
  readonly #size: ClusterSize
  readonly #scratch: string
  readonly #idleMs: number
  readonly #ours: ForwardingNode
  readonly #theirs: ForwardingNode
  readonly #others: ForwardingNode

  /** @param idleMs how long the idle level is looked at before each start */
  constructor(size: ClusterSize, scratch: string, idleMs: number) {
    const program = compileC(join(import.meta.dirname, 'stream.c'), scratch)
    this.#size = size
    this.#scratch = scratch
    this.#idleMs = idleMs
    const open = (name: string): ForwardingNode =>
      ForwardingNode.open(`sluice-start-${process.pid}-${name}`, program)
    this.#ours = open('ours')
    this.#theirs = open('theirs')
    this.#others = open('others')
  }

  /** Rejects when the kernel does not hold what policy says afterwards. */
  async ours(kind: StartKind): Promise<Start> {
    if (kind === 'cold') await this.#removeTable(this.#ours)
    const child = startChild('starter.ts', [this.#ours.netns, ...sizeArguments(this.#size)])
    try {
      await child.next()
      const start = await this.#measure(this.#ours, async () => {
        child.tell('start')
        return Number(await child.next())
      })
      await child.next()
      return start
    } finally {
      await child.end()
    }
  }

  /** The ruleset that our last start has left, by nft from the spawn to the exit of the program. */
  async theirs(kind: StartKind): Promise<Start> {
    if (kind === 'cold') await this.#removeTable(this.#theirs)
    return this.#measure(this.#theirs, async () => {
      const startedAt = performance.now()
      const nft = spawn('nsenter', [`--net=${this.#theirs.netns}`, 'nft', '-f', this.#file(kind)], {
        stdio: ['ignore', 'ignore', 'inherit'],
      })
      const [code] = await once(nft, 'exit')
      if (code !== 0) throw new Error('nft did not load the table that it has listed itself.')
      return performance.now() - startedAt
    })
  }

  /** Writes out what our last start has left, for `theirs`. */
  keep(): void {
    const out = openSync(this.#file('cold'), 'w')
    try {
      const command = [`--net=${this.#ours.netns}`, 'nft', 'list', 'table', 'inet', 'sluice']
      execFileSync('nsenter', command, { stdio: ['ignore', out, 'inherit'] })
    } finally {
      closeSync(out)
    }
    // As it is done where a whole ruleset is loaded anew: away with the old one in the same transaction.
    writeFileSync(
      this.#file('again'),
      `delete table inet sluice\ninclude "${this.#file('cold')}"\n`,
    )
  }

  /** Rejects when the two nodes do not hold the same. */
  async compare(): Promise<void> {
    const ours = await readIn(this.#ours, () => true)
    await readIn(this.#theirs, (theirs) => isDeepStrictEqual(ours, theirs))
  }

  async close(): Promise<void> {
    for (const node of [this.#ours, this.#theirs, this.#others]) await node.close()
  }

  #file(kind: StartKind): string {
    return join(this.#scratch, `${kind}.nft`)
  }

  async #measure(node: ForwardingNode, start: () => Promise<number>): Promise<Start> {
    await delay(REST_MS)
    const nodes = [node, this.#others]
    await Promise.all(nodes.map((one) => one.forwarded()))
    await delay(this.#idleMs)
    const idle = await Promise.all(nodes.map((one) => one.forwarded()))
    const before = kernelBytes()
    const ms = await start()
    const [here, elsewhere] = await Promise.all(nodes.map((one) => one.forwarded()))
    await delay(REST_MS)
    return {
      ms,
      gapMs: {
        here: here?.gapMs ?? 0,
        elsewhere: elsewhere?.gapMs ?? 0,
        idle: Math.max(...idle.map(({ gapMs }) => gapMs)),
      },
      kernelMiB: (kernelBytes() - before) / MIB,
    }
  }

  async #removeTable({ netns }: ForwardingNode): Promise<void> {
    const nft = [`--net=${netns}`, 'nft']
    execFileSync('nsenter', [...nft, 'add', 'table', 'inet', 'sluice'])
    execFileSync('nsenter', [...nft, 'delete', 'table', 'inet', 'sluice'])
    await delay(REST_MS)
  }
}

async function readIn(
  { netns }: ForwardingNode,
  isRight: (held: KernelState) => boolean,
): Promise<KernelState> {
  const socket = openNetlink(NETLINK_NETFILTER, { netns })
  try {
    return await readUntil(socket, isRight)
  } finally {
    socket.close()
  }
}
