import fc from 'fast-check'
import { test } from 'vitest'
import { ApiServer, type ApiServerOptions } from './api-server.ts'
import type { Fault } from './faulty-body.ts'
import { converged, follow, HASTY } from './followed.ts'
import { objectFor, PATHS } from './objects.ts'

type Step =
  | { readonly kind: 'put'; readonly path: string; readonly name: string; readonly value: string }
  | { readonly kind: 'delete'; readonly path: string; readonly name: string }
  | { readonly kind: 'ask'; readonly name: string }
  | { readonly kind: 'fault'; readonly fault: Fault }
  | {
      readonly kind:
        | 'compact'
        | 'bookmark'
        | 'drop'
        | 'end'
        | 'stop'
        | 'start'
        | 'error'
        | 'breathe'
    }

const path = fc.constantFrom(...PATHS)
const name = fc.constantFrom('a', 'b', 'c', 'd')
const value = fc.integer({ min: 1, max: 9 }).map(String)
const after = fc.integer({ min: 0, max: 1_500 })

const fault: fc.Arbitrary<Fault> = fc.oneof(
  fc.record({
    kind: fc.constant('status' as const),
    code: fc.constantFrom(401, 410, 429, 500, 504),
  }),
  fc.record({
    kind: fc.constant('cut' as const),
    after,
    how: fc.constantFrom('drop' as const, 'end' as const, 'stall' as const),
  }),
  fc.record({
    kind: fc.constant('insert' as const),
    after,
    // A control character is no part of JSON, in strings or between them: what else could tell that it is not meant?
    text: fc.constantFrom('\0', '\0{', '\0}', '\0"', '{"type":"ERROR","object":{"code":500}}\n'),
  }),
  fc.record({ kind: fc.constant('pieces' as const), bytes: fc.integer({ min: 1, max: 99 }) }),
)

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 10, arbitrary: fc.record({ kind: fc.constant('put' as const), path, name, value }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('delete' as const), path, name }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('ask' as const), name }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('fault' as const), fault }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        ...(['compact', 'bookmark', 'drop', 'end', 'stop', 'start', 'error', 'breathe'] as const),
      ),
    }),
  },
)

const history = fc.record({
  options: fc.record<ApiServerOptions>({
    streamsLists: fc.boolean(),
    tellsGone: fc.constantFrom('as status', 'as event'),
  }),
  /** Whether all that there is at first has been told before anything happens. */
  inPeace: fc.boolean(),
  steps: fc.array(step, { maxLength: 40 }),
})

test('whatever happens to cluster and connection, in the end the state is that of the server', async () => {
  const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31))
  console.log(`histories of a cluster with faults: SEED=${seed}`)
  await fc.assert(
    fc.asyncProperty(history, async ({ options, inPeace, steps }) => {
      const server = new ApiServer(options)
      await server.start()
      const followed = follow(server, HASTY)
      try {
        for (const each of PATHS) server.store.put(each, objectFor(each, 'a', '1'))
        if (inPeace) await followed.source.synced
        const faults: Fault[] = []
        server.fault = () => faults.shift()
        for (const one of steps) {
          await take(one, server, followed, faults)
          await new Promise((resolve) => setTimeout(resolve, 1))
        }
        server.fault = () => undefined
        await server.start()
        server.endWatches('drop')
        // Whoever knows of the last thing that happened has seen all that was before it.
        for (const each of PATHS) server.store.put(each, objectFor(each, 'last', '1'))
        await followed.source.synced
        await converged(server, followed, 4_000)
      } finally {
        followed.source.close()
        await server.stop()
      }
    }),
    { seed, numRuns: 150, interruptAfterTimeLimit: 45_000, markInterruptAsFailure: true },
  )
})

async function take(
  one: Step,
  server: ApiServer,
  { source, state }: ReturnType<typeof follow>,
  faults: Fault[],
): Promise<void> {
  switch (one.kind) {
    case 'put':
      return server.store.put(one.path, objectFor(one.path, one.name, one.value))
    case 'delete':
      return server.store.delete(one.path, namespaceOf(one.path), one.name)
    case 'ask': {
      const answer = await source.getPod('shop', one.name).catch(() => undefined)
      if (answer !== undefined) state.apply([answer])
      return
    }
    case 'fault':
      faults.push(one.fault)
      return
    case 'compact':
      return server.store.compact()
    case 'bookmark':
      return server.bookmark()
    case 'drop':
    case 'end':
      return server.endWatches(one.kind)
    case 'error':
      return server.event({ type: 'ERROR', object: { code: 500 } })
    case 'stop':
    case 'start':
      return server[one.kind]()
    case 'breathe':
      await new Promise((resolve) => setTimeout(resolve, 5))
      return
  }
}

function namespaceOf(path: string): string | undefined {
  return objectFor(path, 'any', '1').metadata.namespace
}
