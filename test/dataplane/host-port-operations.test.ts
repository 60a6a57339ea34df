import { expect, test } from 'vitest'
import { hostPortOperations } from '../../src/dataplane/host-port-operations.ts'
import type { HostPort } from '../../src/dataplane/host-ports.ts'
import { emptyKernelState, type KernelState, record } from '../../src/dataplane/kernel-state.ts'
import { transactionFor } from '../../src/dataplane/transactions.ts'
import { address } from '../policy/literals.ts'

const A = hostPort(8080, '10.0.0.1')
const A6 = hostPort(8080, 'fd00::1')
const B = hostPort(9090, '10.0.0.2')

test('a number is there as long as any address, family or pod needs it', () => {
  const state = emptyKernelState()
  change(state, [], [A, A6])
  expect(state.hostPortNumbers).toEqual(new Set(['TCP 8080']))
  change(state, [], [B])
  change(state, [A], [])
  expect(state.hostPortNumbers).toEqual(new Set(['TCP 8080', 'TCP 9090']))
  change(state, [A6, B], [])
  expect(state).toEqual(emptyKernelState())
})

test('one that another pod has is taken over, with its number', () => {
  const state = emptyKernelState()
  change(state, [], [A])
  const successor = hostPort(8080, '10.0.0.9')
  change(state, [], [successor])
  expect([...state.hostPorts.values()]).toEqual([successor])
  // Said again, there is nothing to do.
  expect(
    hostPortOperations(state, [], [successor]).flatMap((one) => changesOf(state, one)),
  ).toEqual([])
})

/** As one transaction: no element may be named twice in it. */
function change(state: KernelState, gone: readonly HostPort[], come: readonly HostPort[]): void {
  const operations = hostPortOperations(state, gone, come)
  const transaction = transactionFor('sluice', state, operations)
  for (const operation of transaction?.operations ?? []) {
    if (operation.kind !== 'addElements' && operation.kind !== 'deleteElements') continue
    const keys = Array.from(operation.elements, ({ key }) => String(key))
    expect(new Set(keys).size).toBe(keys.length)
  }
  for (const operation of operations) record(state, operation)
}

function changesOf(state: KernelState, operation: Parameters<typeof record>[1]) {
  return transactionFor('sluice', state, [operation])?.operations ?? []
}

function hostPort(number: number, to: string): HostPort {
  const pod = { address: address(to), containerPort: 80 }
  return { protocol: 'TCP', hostIp: undefined, hostPort: number, ...pod }
}
