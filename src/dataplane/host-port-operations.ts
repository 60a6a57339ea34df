import { type HostPort, type HostPortNumber, keyOfHostPort, keyOfNumber } from './host-ports.ts'
import type { KernelState, Operation } from './kernel-state.ts'

/**
 * The assignments by which some host ports go and others come, with the numbers that are in use then. One that
 * comes takes the place of another pod's of the same key.
 */
export function hostPortOperations(
  state: KernelState,
  gone: readonly HostPort[],
  come: readonly HostPort[],
): Operation[] {
  const held = new Map(state.hostPorts)
  for (const mapping of gone) held.delete(keyOfHostPort(mapping))
  for (const mapping of come) held.set(keyOfHostPort(mapping), mapping)
  const inUse = new Set([...held.values()].map(keyOfNumber))
  const numbers = new Map<string, HostPortNumber>(
    [...gone, ...come].map((mapping) => [keyOfNumber(mapping), mapping]),
  )
  return [
    ...gone.map((mapping) => ({ kind: 'hostPort', mapping, present: false }) as const),
    ...come.map((mapping) => ({ kind: 'hostPort', mapping, present: true }) as const),
    ...Array.from(numbers, ([key, number]) => {
      return { kind: 'hostPortNumber', number, present: inUse.has(key) } as const
    }),
  ]
}
