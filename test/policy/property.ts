import fc from 'fast-check'

/** Checks a property on random inputs, and prints the seed with which a run can be repeated (`SEED=…`). */
export function check<T>(name: string, runs: number, property: fc.IProperty<T>): void {
  const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31))
  console.log(`${name}: SEED=${seed}`)
  fc.assert(property, { seed, numRuns: runs })
}
