import { expect, test } from 'vitest'
import { handleStarting } from '../../src/cni/handle-starting.ts'
import type { CniHandler } from '../../src/cni/verbs.ts'
import { bodyOf, requestOf } from './requests.ts'

test('STATUS and VERSION are answered at once, all else waits until the agent is ready', async () => {
  const ready = Promise.withResolvers<CniHandler>()
  const handle = handleStarting(ready.promise)
  const answered: string[] = []
  const add = handle(requestOf('ADD')).then(({ body }) => answered.push(body))
  const reply = await handle(requestOf('STATUS'))
  expect(reply.exitCode).toBe(1)
  expect(bodyOf(reply)).toMatchObject({ code: 50, msg: expect.stringContaining('is starting') })
  expect(bodyOf(await handle(requestOf('VERSION')))).toMatchObject({ cniVersion: '1.1.0' })
  expect(answered).toEqual([])
  ready.resolve(async (request) => ({
    exitCode: 0,
    body: request.environment.get('CNI_COMMAND') ?? '',
  }))
  await add
  expect(answered).toEqual(['ADD'])
  expect(await handle(requestOf('STATUS'))).toEqual({ exitCode: 0, body: 'STATUS' })
})
