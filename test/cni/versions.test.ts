import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { CniReply } from '../../src/cni/frame.ts'
import { createInTurn } from '../../src/cni/in-turn.ts'
import { type CniHandler, createHandler } from '../../src/cni/verbs.ts'
import { SUPPORTED_VERSIONS } from '../../src/cni/version.ts'
import { createScene, type Scene } from '../pods/parts.ts'
import { bodyOf, requestOf } from './requests.ts'

/** Every verb in every version of the specification, as runtimes of that version call it. */
let scene: Scene
let handle: CniHandler

beforeEach(() => {
  scene = createScene()
  handle = createHandler({ ...scene, inTurn: createInTurn() })
})

afterEach(() => {
  scene.dispose()
})

const DONE = { exitCode: 0, body: '' }

describe.each(SUPPORTED_VERSIONS)('version %s', (cniVersion) => {
  const call = (command: string, config: object = {}): Promise<CniReply> =>
    handle(requestOf(command, {}, { cniVersion, ...config }))

  test('the life of a pod: ADD, CHECK, DEL, DEL again', async () => {
    const added = await call('ADD')
    expect(added.exitCode).toBe(0)
    const prevResult = Object(bodyOf(added))
    expect(prevResult).toMatchObject({ cniVersion, ips: [{ address: '10.0.0.2/32' }] })
    const checked = await call('CHECK', { prevResult })
    if (cniVersion === '0.3.1') expect(bodyOf(checked)).toMatchObject({ cniVersion, code: 1 })
    else expect(checked).toEqual(DONE)
    expect(await call('DEL', { prevResult })).toEqual(DONE)
    expect(await call('DEL')).toEqual(DONE)
    await scene.reaper.reap()
    expect([...scene.interfaces]).toEqual([])
  })

  test('DEL with a result that cannot be read, or is null', async () => {
    for (const prevResult of [null, {}, 'nonsense', { ips: 7 }]) {
      expect((await call('ADD')).exitCode).toBe(0)
      expect(await call('DEL', { prevResult })).toEqual(DONE)
    }
  })

  test('STATUS and GC since 1.1.0', async () => {
    await call('ADD')
    const replies = [
      await call('STATUS'),
      await call('GC', { 'cni.dev/valid-attachments': [], 'cni.dev/attachments': [] }),
    ]
    if (cniVersion === '1.1.0') {
      expect(replies).toEqual([DONE, DONE])
      await scene.reaper.reap()
      expect([...scene.interfaces]).toEqual([])
      return
    }
    for (const reply of replies) expect(bodyOf(reply)).toMatchObject({ cniVersion, code: 1 })
    expect(scene.interfaces.size).toBe(1)
  })

  test('VERSION', async () => {
    expect(bodyOf(await call('VERSION'))).toEqual({
      cniVersion,
      supportedVersions: SUPPORTED_VERSIONS,
    })
  })

  test('errors come in the version asked', async () => {
    await call('ADD')
    expect(bodyOf(await call('ADD'))).toMatchObject({ cniVersion, code: 100 })
  })
})

describe.each(['0.1.0', '0.2.0', '0.3.0', '1.2.0', '2.0.0', ''])(
  'version %j is none of ours',
  (cniVersion) => {
    test.each(['ADD', 'CHECK', 'GC', 'STATUS'])('%s', async (command) => {
      const reply = await handle(requestOf(command, {}, { cniVersion }))
      expect(bodyOf(reply)).toMatchObject({ cniVersion: '1.1.0', code: 1 })
      expect(scene.log).toEqual([])
    })

    test('a pod can leave all the same', async () => {
      expect(await handle(requestOf('DEL', {}, { cniVersion }))).toEqual(DONE)
    })
  },
)
