import { spawnSync } from 'node:child_process'
import { NETLINK_NETFILTER } from '../../src/netlink/constants.ts'
import { openNetlink } from '../../src/netlink/socket.ts'
import { commit } from '../../src/nftables/commit.ts'
import { set } from '../../src/nftables/set.ts'
import { Transaction } from '../../src/nftables/transaction.ts'
import { ip4 } from '../../src/policy/address.ts'
import type { Koffi } from './koffi.ts'
import { type Summary, summarize } from '../harness/statistics.ts'

/** What another program keeps in a table of its own. */
export interface Foreign {
  readonly sets: number
  readonly elementsPerSet: number
}

/** One way to have the kernel change one element. */
interface Contestant {
  readonly name: string
  readonly add: () => void
  readonly remove: () => void
  /** Changes in one turn: where one takes long, fewer are enough. */
  readonly burst: number
}

export interface ContestResult {
  readonly foreign: Foreign
  readonly name: string
  /** Microseconds of one transaction. */
  readonly microseconds: Summary
  /** Median over the rounds of this one's time divided by that of the first contestant. */
  readonly timesOurs: number
}

export interface ContestOptions {
  /** Undefined: libnftables does not take part. */
  readonly koffi: Koffi | undefined
  /** A contest beside each of these. */
  readonly foreign: readonly Foreign[]
  readonly rounds: number
}

/**
 * One element is added to a set and removed again, by each contestant in turn, round after round, so that
 * whatever slows the machine down slows down all of them. In the network namespace of the calling thread.
 */
export function contest({ koffi, foreign, rounds }: ContestOptions): ContestResult[] {
  const socket = openNetlink(NETLINK_NETFILTER)
  try {
    const contestants = [ours(socket), ...(koffi === undefined ? [] : [libnftables(koffi)]), NFT]
    return foreign.flatMap((content) => {
      prepare(socket, content)
      return results(content, contestants, play(contestants, rounds))
    })
  } finally {
    socket.close()
  }
}

const OURS = { family: 'inet', table: 'bench' } as const
const FOREIGN = { family: 'inet', table: 'foreign' } as const
const members = set('members', ['ipv4_addr'])
const ELEMENT = [{ key: ip4(0x0a000001) }]
const ADD = 'add element inet bench members { 10.0.0.1 }'
const REMOVE = 'delete element inet bench members { 10.0.0.1 }'

type Socket = ReturnType<typeof openNetlink>

function prepare(socket: Socket, { sets, elementsPerSet }: Foreign): void {
  commit(socket, new Transaction(OURS).addTable().deleteTable().addTable().addSet(members))
  commit(socket, new Transaction(FOREIGN).addTable().deleteTable().addTable())
  const elements = Array.from({ length: elementsPerSet }, (_, i) => ({ key: ip4(i + 1) }))
  for (let number = 0; number < sets; number++) {
    const one = set(`set${number}`, ['ipv4_addr'])
    commit(socket, new Transaction(FOREIGN).addSet(one).addElements(one, elements))
  }
}

/** The whole way of the agent: build, encode, send, read the acknowledgement. */
function ours(socket: Socket): Contestant {
  return {
    name: 'Sluice: netlink socket',
    add: () => commit(socket, new Transaction(OURS).addElements(members, ELEMENT)),
    remove: () => commit(socket, new Transaction(OURS).deleteElements(members, ELEMENT)),
    burst: 20,
  }
}

/** The library that `nft` is made of, in this process, called through a foreign function interface. */
function libnftables(koffi: Koffi): Contestant {
  const library = koffi.load('libnftables.so.1')
  const run = library.func('int nft_run_cmd_from_buffer(void *context, const char *command)')
  const context = library.func('void *nft_ctx_new(uint32_t flags)')(0)
  const execute = (command: string): void => {
    if (run(context, command) !== 0) throw new Error(`libnftables refuses \`${command}\`.`)
  }
  return {
    name: 'libnftables through koffi',
    add: () => execute(ADD),
    remove: () => execute(REMOVE),
    burst: 20,
  }
}

const NFT: Contestant = {
  name: 'the nft program',
  add: () => runNft(ADD),
  remove: () => runNft(REMOVE),
  burst: 1,
}

function runNft(command: string): void {
  const { status, stderr, error } = spawnSync('nft', ['-f', '-'], { input: command })
  if (status !== 0) throw error ?? new Error(`nft refuses \`${command}\`: ${stderr.toString()}`)
}

/** Microseconds of a transaction, a row for each contestant, a column for each round. */
function play(contestants: readonly Contestant[], rounds: number): number[][] {
  const samples = contestants.map((): number[] => [])
  for (let round = -WARM_UP_ROUNDS; round < rounds; round++) {
    for (const [index, { add, remove, burst }] of contestants.entries()) {
      const startedAtMs = performance.now()
      for (let count = 0; count < burst; count++) {
        add()
        remove()
      }
      const microseconds = ((performance.now() - startedAtMs) * 1000) / (2 * burst)
      if (round >= 0) samples[index]?.push(microseconds)
    }
  }
  return samples
}

const WARM_UP_ROUNDS = 20

function results(
  foreign: Foreign,
  contestants: readonly Contestant[],
  samples: readonly (readonly number[])[],
): ContestResult[] {
  const [first = []] = samples
  return contestants.map(({ name }, index) => {
    const own = samples[index] ?? []
    const ratios = own.map((microseconds, round) => microseconds / (first[round] ?? Number.NaN))
    return {
      foreign,
      name,
      microseconds: summarize(own),
      timesOurs: summarize(ratios).median,
    }
  })
}
