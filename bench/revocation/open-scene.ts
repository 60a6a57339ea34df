import type { Address } from '../../src/policy/address.ts'
import type { Scene } from './trial.ts'

/** A scene, and what it takes to fill its connection table and to end it. */
export interface OpenScene extends Scene {
  /** Path. */
  readonly nodeNetns: string
  readonly serverAddresses: readonly Address[]
  readonly close: () => Promise<void>
}
