import type fc from 'fast-check'

/** Something of ours that reads what others wrote. */
export interface Target {
  readonly name: string
  readonly inputs: fc.Arbitrary<Uint8Array>
  /** Reads one input, to the end. */
  readonly read: (input: Uint8Array) => unknown
  /** What it throws for an input that is no good. Anything else is a bug. */
  readonly refusals: readonly (new (
    ...args: never[]
  ) => Error)[]
}

/**
 * Reads one input, and throws where that breaks the promise: a value, or one of the target's errors with something to
 * say, in time.
 */
export async function readOne(target: Target, input: Uint8Array): Promise<void> {
  const startedMs = performance.now()
  try {
    await target.read(input)
  } catch (error) {
    requireRefusal(target, error)
  }
  const tookMs = performance.now() - startedMs
  if (tookMs > LONGEST_MS) throw new Error(`${target.name} took ${tookMs.toFixed(0)} ms.`)
}

/** Inputs have some kilobytes. This is for what takes ages, on a busy machine too. */
const LONGEST_MS = 2000

/** Exactly of the class: a TypeError is an Error, but none that anybody meant to throw. */
function requireRefusal({ name, refusals }: Target, error: unknown): void {
  const isDeclared = refusals.some((refusal) => Object(error).constructor === refusal)
  if (!isDeclared || !(error instanceof Error) || error.message === '') {
    throw new Error(`${name} throws what it does not promise.`, { cause: error })
  }
}
