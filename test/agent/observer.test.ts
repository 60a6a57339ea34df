import { describe, expect, test } from 'vitest'
import { createObserver } from '../../src/agent/observer.ts'
import type { Tell } from '../../src/agent/source.ts'
import { ClusterState } from '../../src/cluster/state.ts'
import { CniError } from '../../src/cni/errors.ts'
import type { CniRequest } from '../../src/cni/frame.ts'
import { type CniHandler, errorReply } from '../../src/cni/verbs.ts'
import { sets } from '../../src/dataplane/sets.ts'
import { NetlinkError, NetlinkSocketError } from '../../src/netlink/errors.ts'
import { NftablesError } from '../../src/nftables/errors.ts'
import { Transaction } from '../../src/nftables/transaction.ts'

/** An observer, and the clock that it looks at. */
function watched() {
  const clock = { ms: 0 }
  const observer = createObserver(() => clock.ms)
  return { clock, observer, ...observer.instruments }
}

const pod = { kind: 'podGone', key: 'shop/web' } as const

describe('events', () => {
  function telling() {
    const { clock, observer, eventSeconds } = watched()
    let turn = Promise.resolve()
    const tell: Tell = (change) => {
      turn = turn.then(() => void change(new ClusterState()))
      return turn
    }
    return { clock, observer, eventSeconds, tell: observer.events(tell) }
  }

  test('count from the word of the source to that of the kernel, waiting for others included', async () => {
    const { clock, observer, eventSeconds, tell } = telling()
    observer.settle()
    clock.ms = 1000
    const told = tell(() => [pod, pod])
    clock.ms = 1500
    await told
    clock.ms = 3000
    observer.settle()
    expect(eventSeconds.read()).toMatchObject({ sum: 4, count: 2 })
    observer.settle()
    expect(eventSeconds.read().count).toBe(2)
  })

  test('do not count before policy is in force for the first time, nor where they are no news', async () => {
    const { observer, eventSeconds, tell } = telling()
    await tell(() => [pod])
    observer.settle()
    await tell(() => [])
    observer.settle()
    expect(eventSeconds.read().count).toBe(0)
  })

  test('that wait for a kernel that refuses have waited as long as the first of them', async () => {
    const { clock, observer, eventSeconds, tell } = telling()
    observer.settle()
    await tell(() => [pod])
    clock.ms = 4000
    await tell(() => [pod, pod])
    clock.ms = 5000
    observer.settle()
    expect(eventSeconds.read()).toMatchObject({ sum: 15, count: 3 })
  })
})

describe('transactions', () => {
  const transaction = new Transaction({ family: 'inet', table: 'sluice' })
  transaction.operations.push(
    { kind: 'deleteElements', set: sets.portsAll, elements: [{ key: [1] }] },
    {
      kind: 'addElements',
      set: sets.portsAll,
      elements: [{ key: [2] }, { key: [3] }],
      exclusive: true,
    },
  )

  test('count with their time and elements', () => {
    const { clock, observer, transactionSeconds, transactionElements } = watched()
    observer.commits(() => {
      clock.ms += 20
    })(transaction)
    expect(transactionSeconds.read()).toMatchObject({ sum: 0.02, count: 1 })
    expect(transactionElements.read()).toMatchObject({ sum: 3, count: 1 })
  })

  const refusal = {
    code: 'ENOSPC',
    errno: 28,
    request: 'NFT_MSG_NEWSETELEM',
    index: 0,
    text: undefined,
    attribute: undefined,
    missing: undefined,
  }
  test.each([
    ['EEXIST', new NftablesError('NFT_REFUSED', 'no', { errno: 'EEXIST' })],
    ['NFT_VALUE', new NftablesError('NFT_VALUE', 'no')],
    ['ENOSPC', new NetlinkError([refusal])],
    ['NETLINK_LOST', new NetlinkSocketError('NETLINK_LOST', 'no')],
    ['other', new Error('no')],
  ])('that fail count by reason: %s', (reason, error) => {
    const { observer, transactionSeconds, transactionFailures } = watched()
    const commit = observer.commits(() => {
      throw error
    })
    expect(() => commit(transaction)).toThrow(error)
    expect(() => commit(transaction)).toThrow(error)
    expect([...transactionFailures]).toEqual([[reason, 2]])
    expect(transactionSeconds.read().count).toBe(0)
  })
})

describe('CNI requests', () => {
  function request(command: string | undefined): CniRequest {
    return {
      environment: new Map(command === undefined ? [] : [['CNI_COMMAND', command]]),
      stdin: '',
    }
  }
  const full = new CniError('addressesExhausted', 'Every address is in use')
  const cases: readonly [string | undefined, CniHandler, string, string][] = [
    ['ADD', () => Promise.resolve({ exitCode: 0, body: '{}' }), 'ADD', '0'],
    ['ADD', () => Promise.resolve(errorReply(full, '')), 'ADD', '101'],
    ['ad', () => Promise.resolve(errorReply(full, '')), 'unknown', '101'],
    [undefined, () => Promise.resolve(errorReply(new Error('oh'), '')), 'unknown', '199'],
  ]
  test.each(cases)('%s', async (command, handle, verb, code) => {
    const { clock, observer, cniSeconds } = watched()
    const reply = observer.requests((asked) => {
      clock.ms += 30
      return handle(asked)
    })(request(command))
    expect(await reply).toEqual(await handle(request(command)))
    expect(cniSeconds.entries().map(([labels, seconds]) => [labels, seconds.read().sum])).toEqual([
      [[verb, code], 0.03],
    ])
  })
})
