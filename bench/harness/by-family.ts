import type { Family } from '../../src/policy/address.ts'

/** The addresses of a dual-stack pod, in words. @throws Error where one of either family is missing */
export function byFamily(pod: string, addresses: readonly string[]): Record<Family, string> {
  const of = (isIpv6: boolean): string => {
    const found = addresses.find((address) => address.includes(':') === isIpv6)
    if (found === undefined) throw new Error(`${pod} was given only ${addresses.join()}.`)
    return found
  }
  return { 4: of(false), 6: of(true) }
}
