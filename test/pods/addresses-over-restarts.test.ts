import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createInTurn } from '../../src/cni/in-turn.ts'
import { createHandler } from '../../src/cni/verbs.ts'
import { isAttached } from '../../src/pods/record.ts'
import { takeOver } from '../../src/pods/take-over.ts'
import { formatAddress } from '../../src/policy/address.ts'
import { requestOf } from '../cni/requests.ts'
import { createScene, type Scene } from './parts.ts'

const step = fc.oneof(
  fc.record({
    kind: fc.constantFrom('ADD' as const, 'DEL' as const),
    container: fc.nat(6).map((n) => `c${n}`),
  }),
  fc.constant({ kind: 'reap' } as const),
  fc.constant({ kind: 'restart' } as const),
  fc.record({ kind: fc.constant('wait' as const), ms: fc.nat(40_000) }),
)

test('no two pods ever have one address, over any order of ADD, DEL, reaping and new agents', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      let scene: Scene = createScene()
      const root = scene
      try {
        for (const one of steps) {
          if (one.kind === 'wait') scene.clock.now += one.ms
          else if (one.kind === 'reap') await scene.reaper.reap()
          else if (one.kind === 'restart') {
            scene = scene.restart()
            await takeOver(scene)
          } else {
            const handle = createHandler({ ...scene, inTurn: createInTurn() })
            await handle(requestOf(one.kind, { CNI_CONTAINERID: one.container }))
          }
          const held = scene.records.all().filter(({ releasedAt }) => releasedAt === undefined)
          const addresses = held.flatMap((record) => record.addresses.map(formatAddress))
          expect(new Set(addresses).size).toBe(addresses.length)
          expect(scene.ipam.usage()[0]?.used).toBe(addresses.length)
          for (const { hostInterface } of held.filter(isAttached)) {
            expect(scene.interfaces.has(hostInterface)).toBe(true)
          }
        }
      } finally {
        root.dispose()
      }
    }),
    { numRuns: 100 },
  )
})
