import type { Address, Cidr } from '../policy/address.ts'

/**
 * What an ADD did (CNI specification 1.1.0, section 5, "ADD Success"); older versions say less of the same.
 * `extra` holds fields that no version of the specification knows: a later plugin hands them on.
 */
export interface Result {
  readonly interfaces: readonly ResultInterface[]
  readonly ips: readonly ResultIp[]
  readonly routes: readonly ResultRoute[]
  readonly dns: Dns | undefined
  readonly extra: Extra
}

export interface ResultInterface {
  readonly name: string
  /** As it was written. */
  readonly mac: string | undefined
  /** Bytes. */
  readonly mtu: number | undefined
  /** The container's namespace; undefined = the interface is on the node. */
  readonly sandbox: string | undefined
  readonly socketPath: string | undefined
  readonly pciID: string | undefined
  readonly extra: Extra
}

export interface ResultIp {
  readonly address: Address
  /** Bits of the subnet that it lies in. */
  readonly prefix: number
  readonly gateway: Address | undefined
  /** Where in `interfaces` its interface is; plugins have been seen to count wrong. */
  readonly interface: number | undefined
  readonly extra: Extra
}

export interface ResultRoute {
  readonly dst: Cidr
  readonly gw: Address | undefined
  /** Bytes. */
  readonly mtu: number | undefined
  /** Bytes. */
  readonly advmss: number | undefined
  readonly priority: number | undefined
  readonly table: number | undefined
  readonly scope: number | undefined
  readonly extra: Extra
}

/** DNS settings, in a network configuration and in a result. Sluice hands them on as they are. */
export interface Dns {
  readonly nameservers?: readonly string[] | undefined
  readonly domain?: string | undefined
  readonly search?: readonly string[] | undefined
  readonly options?: readonly string[] | undefined
}

export type Extra = Readonly<Record<string, unknown>>
