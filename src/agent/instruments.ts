import { Family } from '../metrics/family.ts'
import { Histogram } from '../metrics/histogram.ts'

/** What is counted while the agent works; everything else is read when somebody asks. */
export interface Instruments {
  readonly transactionSeconds: Histogram
  /** Elements added and deleted. */
  readonly transactionElements: Histogram
  /** By reason. */
  readonly transactionFailures: Map<string, number>
  /** From the source's word to the kernel's. */
  readonly eventSeconds: Histogram
  /** By verb and code. */
  readonly cniSeconds: Family<Histogram>
}

/** From 10 µs, the time of one element, to 1 s. */
const TRANSACTION_SECONDS = [
  1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1,
]
/** A step of up to 2000 operations is one transaction, and an operation may be several elements. */
const TRANSACTION_ELEMENTS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000]
const EVENT_SECONDS = [
  1e-4, 2.5e-4, 5e-4, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
]
const CNI_SECONDS = [5e-4, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

export function createInstruments(): Instruments {
  return {
    transactionSeconds: new Histogram(TRANSACTION_SECONDS),
    transactionElements: new Histogram(TRANSACTION_ELEMENTS),
    transactionFailures: new Map(),
    eventSeconds: new Histogram(EVENT_SECONDS),
    cniSeconds: new Family(() => new Histogram(CNI_SECONDS)),
  }
}
