/**
 * Ways for Node.js to change nftables: what npm has, what a transaction costs, what a netlink exchange costs.
 * The figures of docs/decisions/0001-netlink-without-ffi.md. As root, after `make build`, with the npm registry
 * in reach and Debian's `nftables` installed:
 *
 *     npm run bench:bindings
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { arch, cpus, release } from 'node:os'
import { join } from 'node:path'
import { createNamespace, deleteNamespace, enterNamespace } from '../src/netlink/native.ts'
import { loadKoffi } from './bindings/koffi.ts'
import { findPackages, type PackageFinding } from './bindings/packages.ts'
import { type RoundTripResult, roundTrips } from './bindings/round-trip.ts'
import { withScratch } from './bindings/scratch.ts'
import { contest, type ContestResult, type Foreign } from './bindings/transactions.ts'

const RESULTS = join(import.meta.dirname, 'results', 'bindings.json')
const NETNS = `/run/netns/sluice-bench-${process.pid}`

/** Nothing; one large set; many small ones. */
const FOREIGN: readonly Foreign[] = [
  { sets: 0, elementsPerSet: 0 },
  { sets: 1, elementsPerSet: 20_000 },
  { sets: 1000, elementsPerSet: 20 },
]

interface Results {
  readonly machine: string
  readonly packages: readonly PackageFinding[]
  readonly transactions: readonly ContestResult[]
  readonly roundTrips: readonly RoundTripResult[]
}

const results = await withScratch(async (scratch): Promise<Results> => {
  const packages = await findPackages(scratch)
  const koffi = await loadKoffi(scratch)
  if (koffi === undefined) console.error('koffi cannot be installed: it is left out.')
  await mkdir('/run/netns', { recursive: true })
  createNamespace(NETNS)
  try {
    enterNamespace(NETNS)
    return {
      machine: `Linux ${release()} ${arch()}, ${cpus().length} × ${cpus()[0]?.model}, Node.js ${process.version}`,
      packages,
      transactions: contest({ koffi, foreign: FOREIGN, rounds: 100 }),
      roundTrips: roundTrips(koffi, 20),
    }
  } finally {
    deleteNamespace(NETNS)
  }
})
await mkdir(join(RESULTS, '..'), { recursive: true })
await writeFile(RESULTS, `${JSON.stringify(results, null, 2)}\n`)
print(results)

function print({ machine, packages, transactions, roundTrips: exchanges }: Results): void {
  console.log(machine)
  for (const { command, outcome } of packages) console.log(`\n${command}\n  ${outcome}`)
  console.log('\nOne element, one transaction:')
  console.table(
    transactions.map(({ foreign, name, microseconds, timesOurs }) => ({
      'others have': `${foreign.sets} sets of ${foreign.elementsPerSet}`,
      way: name,
      'median µs': round(microseconds.median),
      'p95 µs': round(microseconds.p95),
      'times ours': round(timesOurs),
    })),
  )
  console.log('One netlink message and its acknowledgement:')
  console.table(
    exchanges.map(({ name, nanoseconds }) => ({
      way: name,
      'median ns': Math.round(nanoseconds.median),
      'p95 ns': Math.round(nanoseconds.p95),
    })),
  )
}

function round(value: number): number {
  return Number(value.toPrecision(3))
}
