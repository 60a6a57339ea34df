import { execFile } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { promisify } from 'node:util'
import * as v from 'valibot'
import type { Family } from '../../src/policy/address.ts'
import { IPERF_PORT, type PodEnd } from './pod-end.ts'
import { started } from './started.ts'

/** What is sent, all streams together. */
export interface Transfer {
  readonly protocol: 'TCP' | 'UDP'
  readonly family: Family
  readonly streams: number
  readonly megabytes: number
}

/**
 * What fits into one packet on every path, the tunnel's among them; so that all paths and contenders send alike.
 */
const DATAGRAM_BYTES = 1300

/**
 * Sends with iperf3 from pod to pod; Mbit/s that arrived. A UDP sender sends as fast as it can, whatever becomes
 * of it. The sender keeps to the first processor and the receiver to the second, where there are two, so that the
 * scheduler's choices are no part of what is measured.
 */
export async function transfer(from: PodEnd, to: PodEnd, what: Transfer): Promise<number> {
  const port = ['-p', `${IPERF_PORT}`]
  const server = await started('listening', ...inside(to), '-s', '-1', '--forceflush', ...port)
  try {
    const [program, ...args] = [...inside(from), '-c', to.addresses[what.family], ...port]
    const { stdout } = await run(program, [...args, ...flagsOf(what)], { timeout: TIMEOUT_MS })
    return v.parse(report, JSON.parse(stdout)).end.sum_received.bits_per_second / 1e6
  } finally {
    server.kill('SIGKILL')
  }
}

const TIMEOUT_MS = 30_000
const run = promisify(execFile)

const report = v.object({
  end: v.object({ sum_received: v.object({ bits_per_second: v.pipe(v.number(), v.gtValue(0)) }) }),
})

function inside({ netns }: PodEnd): [string, ...string[]] {
  return ['nsenter', `--net=${netns}`, 'iperf3']
}

function flagsOf({ protocol, streams, megabytes }: Transfer): string[] {
  return [
    '-J',
    '-P',
    `${streams}`,
    '-n',
    `${megabytes * 1e6}`,
    ...(availableParallelism() > 1 ? ['-A', '0,1'] : []),
    ...(protocol === 'UDP' ? ['-u', '-b', '0', '-l', `${DATAGRAM_BYTES}`] : []),
  ]
}
