import { PodNetworkError, type PodNetworkFault, reasonOf } from '../pods/errors.ts'

/**
 * Every error code that a container runtime can get from us, by name.
 * 1–99 are the CNI specification's (1.1.0, section "Error"); 100 and up are ours and never change meaning.
 */
export const CNI_ERRORS = {
  /** The `cniVersion` of the configuration is none that we speak. */
  incompatibleVersion: 1,
  /** A field of the configuration asks for what we do not do; the message names it. */
  unsupportedField: 2,
  /** The runtime need not clean up after this one. */
  unknownContainer: 3,
  /** A `CNI_*` variable is missing or wrong; the message names it. */
  invalidEnvironment: 4,
  /** Reading the request or writing our own files failed. */
  io: 5,
  /** The frame or its JSON cannot be read. */
  undecodable: 6,
  /** The network configuration is wrong; the message names the field. */
  invalidConfiguration: 7,
  /** Nothing is wrong that waiting would not mend. */
  tryAgainLater: 11,
  /** STATUS: no ADD would succeed now. */
  notAvailable: 50,
  /** STATUS: no ADD would succeed now, and pods that are there may lack connections that they should have. */
  limitedConnectivity: 51,
  /** The container already has an interface of that name, or this attachment exists. */
  interfaceExists: 100,
  /** Every address of a range is in use. */
  addressesExhausted: 101,
  /** The address that the runtime asks for cannot be had. */
  addressUnavailable: 102,
  /** The kernel refused the pod's interface, address or route. */
  wiringFailed: 103,
  /** The pod's policy could not be put into force, so it gets no network; or not taken out, so it is still there. */
  enforcementFailed: 104,
  /** A port of the node that the runtime asks for leads to another pod. */
  hostPortTaken: 105,
  /** CHECK: something of the pod's network is missing or changed; the message names it. */
  checkFailed: 106,
  /** The pod is wired in a way that passes policy by. */
  notEnforceable: 107,
  /** A defect of ours. */
  internal: 199,
} as const

export type CniErrorName = keyof typeof CNI_ERRORS

/** An error that the container runtime is told, as the specification's error object. */
export class CniError extends Error {
  override readonly name = 'CniError'
  readonly kind: CniErrorName
  /** What happened underneath, where that helps. */
  readonly details: string | undefined

  constructor(
    kind: CniErrorName,
    message: string,
    options?: { details?: string; cause?: unknown },
  ) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause })
    this.kind = kind
    this.details = options?.details
  }

  get code(): number {
    return CNI_ERRORS[this.kind]
  }
}

/** The given error as one for the runtime; what nobody foresaw is told as `kind`, after the words `what`. */
export function toCniError(error: unknown, kind: CniErrorName, what: string): CniError {
  if (error instanceof CniError) return error
  if (error instanceof PodNetworkError) {
    return new CniError(POD_NETWORK_FAULTS[error.fault], error.message, { cause: error })
  }
  return new CniError(kind, `${what}: ${reasonOf(error)}`, { cause: error })
}

const POD_NETWORK_FAULTS: Readonly<Record<PodNetworkFault, CniErrorName>> = {
  addressesExhausted: 'addressesExhausted',
  addressUnavailable: 'addressUnavailable',
  hostPortTaken: 'hostPortTaken',
  interfaceExists: 'interfaceExists',
  namespaceGone: 'unknownContainer',
  namespaceOfNode: 'invalidEnvironment',
  wiringFailed: 'wiringFailed',
  notEnforceable: 'notEnforceable',
  recordFailed: 'io',
}
