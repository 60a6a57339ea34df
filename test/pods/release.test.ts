import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { PodRecord } from '../../src/pods/record.ts'
import { release } from '../../src/pods/release.ts'
import { takeOver } from '../../src/pods/take-over.ts'
import { formatAddress } from '../../src/policy/address.ts'
import { attachPod } from './attach-pod.ts'
import { COOLDOWN_MS, createScene, type Scene } from './parts.ts'

let scene: Scene

beforeEach(() => {
  scene = createScene()
})

afterEach(() => {
  scene.dispose()
})

function allocated(on: Scene): string | undefined {
  return on.ipam.allocate().map(formatAddress)[0]
}

describe('release', () => {
  test('link, then policy, then address; repeating it does no more than look for the link', async () => {
    const { hostInterface } = attachPod('a', scene)
    await release(hostInterface, scene)
    await release(hostInterface, scene)
    expect(scene.log).toEqual([
      `remove ${hostInterface}`,
      'detach a 10.0.0.2',
      `remove ${hostInterface}`,
    ])
    expect(scene.ipam.usage()[0]?.used).toBe(0)
  })

  test('a link that cannot be deleted keeps policy, record and address', async () => {
    const { hostInterface } = attachPod('a', scene)
    scene.failing.set('remove', new Error('busy'))
    await expect(release(hostInterface, scene)).rejects.toThrow('busy')
    expect(scene.log).toEqual([`remove ${hostInterface}`])
    expect(scene.records.get(hostInterface)?.releasedAt).toBeUndefined()
    expect(scene.ipam.usage()[0]?.used).toBe(1)
  })

  test('a policy that cannot be taken back keeps record and address, and the next call goes on', async () => {
    const { hostInterface } = attachPod('a', scene)
    scene.failing.set('detach', new Error('no'))
    await expect(release(hostInterface, scene)).rejects.toThrow('no')
    expect(scene.ipam.usage()[0]?.used).toBe(1)
    scene.failing.clear()
    await release(hostInterface, scene)
    expect(scene.ipam.usage()[0]?.used).toBe(0)
  })

  test('without room for a record the address rests all the same, and the record goes', async () => {
    const { hostInterface } = attachPod('a', scene)
    vi.spyOn(scene.records, 'put').mockImplementation(() => {
      throw new Error('no space left on device')
    })
    await release(hostInterface, scene)
    expect(scene.files()).toEqual([])
    expect(scene.ipam.usage()[0]?.used).toBe(0)
    expect(allocated(scene)).toBe('10.0.0.3')
  })

  test('records are kept while addresses rest, and no longer', async () => {
    const a = attachPod('a', scene)
    const b = attachPod('b', scene)
    await release(a.hostInterface, scene)
    expect(scene.files()).toHaveLength(2)
    scene.clock.now += COOLDOWN_MS
    await release(b.hostInterface, scene)
    expect(scene.files()).toEqual([`${b.hostInterface}.json`])
  })
})

describe('take over', () => {
  test('what agrees is kept, and its addresses stay taken', async () => {
    const record = attachPod('a', scene)
    const next = scene.restart()
    expect(await takeOver(next)).toEqual({ kept: [record], rebuilt: [], released: [], deleted: [] })
    expect(allocated(next)).toBe('10.0.0.3')
    expect(next.log).toEqual([])
  })

  test('a record whose interface is gone is released after policy was told', async () => {
    const record = attachPod('a', scene)
    scene.interfaces.clear()
    const next = scene.restart()
    expect(await takeOver(next)).toEqual({ kept: [], rebuilt: [], released: [record], deleted: [] })
    expect(next.log).toEqual([`remove ${record.hostInterface}`, 'detach a 10.0.0.2'])
    expect(allocated(next)).toBe('10.0.0.3')
    next.clock.now += COOLDOWN_MS
    expect(allocated(next)).toBe('10.0.0.2')
  })

  test('an interface without a record is deleted, also if that record is at rest', async () => {
    const { hostInterface } = attachPod('a', scene)
    await release(hostInterface, scene)
    scene.interfaces.add(hostInterface).add('slcffffffffffff')
    const next = scene.restart()
    expect(await takeOver(next)).toEqual({
      kept: [],
      rebuilt: [],
      released: [],
      deleted: [hostInterface, 'slcffffffffffff'],
    })
    expect([...next.interfaces]).toEqual([])
  })

  test('a restart does not cut the rest of an address short', async () => {
    const { hostInterface } = attachPod('a', scene)
    await release(hostInterface, scene)
    const next = scene.restart()
    await takeOver(next)
    expect(allocated(next)).toBe('10.0.0.3')
  })

  test('an address that has a new owner since is in use, whatever its old record says', async () => {
    const { hostInterface } = attachPod('a', scene)
    await release(hostInterface, scene)
    scene.clock.now += COOLDOWN_MS
    const owner = attachPod('b', scene)
    expect(owner.addresses.map(formatAddress)).toEqual(['10.0.0.2'])
    const next = scene.restart()
    expect(await takeOver(next)).toEqual({ kept: [owner], rebuilt: [], released: [], deleted: [] })
    expect(next.ipam.usage()[0]?.used).toBe(1)
    expect(allocated(next)).toBe('10.0.0.3')
  })

  describe('of an interface whose record was lost', () => {
    const lost = ({ id, addresses, pod }: PodRecord): PodRecord => ({
      id,
      network: '',
      pod,
      containerId: '',
      ifName: '',
      netns: '',
      hostInterface: id,
      addresses,
      portMappings: [],
      wiredBy: 'sluice',
      releasedAt: undefined,
    })

    test('the record is written anew, and the addresses are in use', async () => {
      const record = attachPod('a', scene)
      scene.routes.set(record.id, record.addresses)
      scene.records.remove(record.id)
      const next = scene.restart()
      next.rebuild = ({ name }) => (name === record.id ? lost(record) : undefined)
      const rebuilt = [lost(record)]
      const taken = await takeOver(next)
      expect(taken).toEqual({ kept: rebuilt, rebuilt, released: [], deleted: [] })
      expect(allocated(next)).toBe('10.0.0.3')
      expect(next.log).toEqual([])
      const third = await takeOver(next.restart())
      expect(third).toEqual({ kept: rebuilt, rebuilt: [], released: [], deleted: [] })
    })

    test('a file that is no record is replaced', async () => {
      const record = attachPod('a', scene)
      scene.routes.set(record.id, record.addresses)
      scene.damage(record.id)
      const next = scene.restart()
      expect(next.problems).toHaveLength(1)
      next.rebuild = () => lost(record)
      await takeOver(next)
      expect(next.restart().records.all()).toEqual([lost(record)])
    })

    test.each([
      ['nobody knows whose it is', () => undefined, true],
      ['no route leads to it', lost, false],
    ])('it is deleted where %s', async (_, rebuild, hasRoutes) => {
      const record = attachPod('a', scene)
      if (hasRoutes) scene.routes.set(record.id, record.addresses)
      scene.records.remove(record.id)
      const next = scene.restart()
      next.rebuild = () => rebuild(record)
      expect((await takeOver(next)).deleted).toEqual([record.id])
    })

    test('nothing is deleted while records cannot be written', async () => {
      const [a, b] = [attachPod('a', scene), attachPod('b', scene)]
      for (const record of [a, b]) scene.records.remove(record.id)
      scene.routes.set(a.id, a.addresses)
      const next = scene.restart()
      next.rebuild = () => lost(a)
      vi.spyOn(next.records, 'put').mockImplementation(() => {
        throw new Error('no space left on device')
      })
      await expect(takeOver(next)).rejects.toThrow('no space left')
      expect(next.interfaces).toEqual(new Set([a.id, b.id]))
    })
  })
})
