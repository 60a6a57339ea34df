/** Why no ADD can succeed now; STATUS tells the runtime. */
export interface Obstacle {
  /** A sentence that names the remedy. */
  readonly reason: string
  /** Whether pods that have their network suffer too. */
  readonly harmsPods: boolean
}
