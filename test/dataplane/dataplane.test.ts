import { expect, test } from 'vitest'
import { Dataplane } from '../../src/dataplane/dataplane.ts'
import { emptyKernelState } from '../../src/dataplane/kernel-state.ts'
import { NetlinkSocketError } from '../../src/netlink/errors.ts'
import { ip4 } from '../../src/policy/address.ts'

const POD = ip4(0x0a000002)

/** A kernel that does as it is told, and whose answers to the commits with these numbers are lost. */
function withAnswersLost(...lost: readonly number[]) {
  let commits = 0
  let reads = 0
  const held = emptyKernelState()
  const dataplane = new Dataplane(
    {
      commit: () => {
        if (commits === 0) held.locals.set(POD, 'slc1')
        if (commits > 0) held.locals.clear()
        if (lost.includes(commits++)) {
          throw new NetlinkSocketError('NETLINK_LOST', 'Messages of the kernel were lost.')
        }
      },
      read: () => {
        reads += 1
        return Promise.resolve({ ...held, locals: new Map(held.locals) })
      },
      gracePeriod: () => Promise.resolve(),
      yieldToOthers: () => Promise.resolve(),
    },
    emptyKernelState(),
  )
  return { dataplane, held, reads: () => reads, commits: () => commits }
}

test('what the kernel did although its answer was lost is known to the next change', async () => {
  const { dataplane, held, reads } = withAnswersLost(0)
  await expect(
    dataplane.attach({ addresses: [POD], hostInterface: 'slc1', hostPorts: [] }),
  ).rejects.toMatchObject({
    code: 'SLUICE_COMMIT_UNCERTAIN',
    message: expect.stringMatching(/^Whether the kernel made a change .* is not known/u),
  })
  await dataplane.setLocals(new Map())
  expect(held.locals.size).toBe(0)
  expect(dataplane.state.locals.size).toBe(0)
  expect(reads()).toBe(1)
})

test('it is read once, and only where an answer was lost', async () => {
  const { dataplane, reads, commits } = withAnswersLost(1)
  await dataplane.attach({ addresses: [POD], hostInterface: 'slc1', hostPorts: [] })
  await expect(dataplane.detach([POD])).rejects.toThrow('not known')
  expect(reads()).toBe(0)
  await dataplane.setLocals(new Map())
  await dataplane.settle()
  expect(reads()).toBe(1)
  expect(commits()).toBe(2)
})
