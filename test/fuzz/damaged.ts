import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'

const CORPUS = join(import.meta.dirname, 'corpus')

/** The files of a folder of a corpus. */
export function samplesIn(folder: string, corpus = CORPUS): Uint8Array[] {
  const path = join(corpus, folder)
  return readdirSync(path)
    .sort()
    .map((name) => readFileSync(join(path, name)))
}

/** Samples, whole, damaged in some places, cut off, or run into each other; and a few that are nothing of the kind. */
export function damaged(samples: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> {
  const sample = fc.constantFrom(...samples)
  const edits = fc.array(edit(sample), { maxLength: 6 })
  const changed = fc
    .tuple(sample, edits, fc.option(share, { freq: 3 }))
    .map(([from, all, kept]) => keep(all.reduce(apply, from), kept ?? 1))
  return fc.oneof(
    { weight: 9, arbitrary: changed },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }) },
  )
}

/** Not `fc.double`, which has as many values below 10^-9 as above. */
const share = fc.nat(10_000).map((parts) => parts / 10_000)

function keep(bytes: Uint8Array, part: number): Uint8Array {
  return bytes.subarray(0, Math.ceil(part * bytes.length))
}

interface Edit {
  /** Where: a share of the length, so that edits do not depend on each other. */
  readonly at: number
  readonly removed: number
  readonly inserted: Uint8Array
}

function edit(samples: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Edit> {
  const byte = fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 4, 0x7f, 0x80, 0xff))
  const inserted = fc.oneof(
    { weight: 6, arbitrary: fc.uint8Array({ maxLength: 4 }) },
    { weight: 2, arbitrary: fc.tuple(samples, fc.nat(1e6), fc.nat(60)).map(piece) },
    { weight: 1, arbitrary: fc.tuple(byte, fc.nat(4000)).map(repeated) },
    { weight: 1, arbitrary: fc.constantFrom(...TOKENS) },
  )
  return fc.record({ at: share, removed: fc.nat(6), inserted })
}

function piece([from, start, length]: readonly [Uint8Array, number, number]): Uint8Array {
  const begin = start % (from.length + 1)
  return from.subarray(begin, begin + length)
}

function repeated([byte, count]: readonly [number, number]): Uint8Array {
  return new Uint8Array(count).fill(byte)
}

function apply(bytes: Uint8Array, { at, removed, inserted }: Edit): Uint8Array {
  const place = Math.floor(at * bytes.length)
  return Buffer.concat([bytes.subarray(0, place), inserted, bytes.subarray(place + removed)])
}

/** What means something to one reader or another. */
const WORDS = `{ } [ ] " : - --- &a *a <<: !!binary ? | null ~ .inf 0x7fffffff 010 1e309 -0 yes __proto__ \\u0000
  10.0.0.0/8 ::/0 ::ffff:1.2.3.4 0.0.0.0 1.1.1.1/33 fe80::1%eth0`
const TOKENS: readonly Uint8Array[] = WORDS.split(/\s+/u).map((word) => Buffer.from(`${word} `))
