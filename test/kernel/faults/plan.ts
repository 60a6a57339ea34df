/** What befalls the agent at one of its steps. */
export type Fault =
  /** SIGKILL, before the step. */
  | { readonly kind: 'kill' }
  /** The step is not taken, and fails with this error code. */
  | { readonly kind: 'refuse'; readonly code: string }
  /** The step is taken, but the kernel has no room for its answer (ENOBUFS). For netlink; elsewhere nothing. */
  | { readonly kind: 'lose' }
  /** A program runs to its end before the step. */
  | { readonly kind: 'run'; readonly command: readonly [string, ...string[]] }

/** A file of a fault directory that says at which step what is to happen. */
export interface Plan {
  /** Steps are counted anew for every new id. */
  readonly id: number
  /** 1 for the first step after the plan came. */
  readonly at: number
  readonly fault: Fault
}

/** Environment variable with the path of the fault directory. */
export const FAULT_DIRECTORY = 'SLUICE_TEST_FAULTS'
/** File with the plan. */
export const PLAN_FILE = 'plan.json'
/** File with the steps that were come to since the plan came, one a line. */
export const STEPS_FILE = 'steps'
