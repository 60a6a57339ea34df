import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Address, formatAddress } from '../../src/policy/address.ts'
import { compileC } from '../harness/compile-c.ts'
import { PORT, SERVER } from './cluster.ts'
import type { Place } from './place.ts'

/** New TCP connections, first datagrams of new flows, datagrams of one flow that was answered: see `flows.c`. */
export type Traffic = 'tcp' | 'udp' | 'established'

/** So many flows in a row, or packets of the one flow, make one sample. */
export interface Amount {
  readonly batches: number
  readonly flows: number
}

export interface Batch {
  /** Flows of it that came through. */
  readonly arrived: number
  readonly nanosecondsPerFlow: number
}

/** Sends to the server through `flows.c`. */
export class Sender {
  readonly #program: string

  /** Compiles it. @throws without a C compiler */
  constructor(scratch: string) {
    this.#program = compileC(join(import.meta.dirname, 'flows.c'), scratch)
  }

  async send(
    { client, server }: Place,
    traffic: Traffic,
    from: Address,
    { batches, flows }: Amount,
  ): Promise<Batch[]> {
    const ends = [client, server, formatAddress(from), formatAddress(SERVER)]
    const numbers = [PORT, batches, flows].map(String)
    const { stdout } = await promisify(execFile)(this.#program, [traffic, ...ends, ...numbers])
    return stdout.trimEnd().split('\n').map(readBatch)
  }
}

function readBatch(line: string): Batch {
  const [arrived, nanosecondsPerFlow] = line.split(' ').map(Number)
  if (arrived === undefined || nanosecondsPerFlow === undefined) {
    throw new Error(`The sender of the benchmark gave no times, but: ${line}`)
  }
  return { arrived, nanosecondsPerFlow }
}
