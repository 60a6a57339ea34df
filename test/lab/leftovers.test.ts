import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { LAB_ROOTS, labIdOf, labPaths } from '../../src/lab/lab-paths.ts'
import type { LabRoots } from '../../src/lab/lab-paths.ts'
import { removeLab, removeLabs } from '../../src/lab/leftovers.ts'
import { claimLab, keepLab, stateOf } from '../../src/lab/owner.ts'
import { createNamespace } from '../../src/netlink/native.ts'

let base: string
let roots: LabRoots

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'sluice-leftovers-'))
  roots = { ...LAB_ROOTS, state: join(base, 'state'), netns: join(base, 'netns') }
  mkdirSync(roots.netns)
})

afterEach(async () => {
  await removeLabs(roots, ['running', 'kept', 'abandoned'])
  rmSync(base, { recursive: true })
})

/** A process that looks like an agent of the lab, or like somebody who looks at it. */
async function bystander(...args: string[]) {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e9)', '--', ...args])
  await once(child, 'spawn')
  const gone = once(child, 'exit')
  return { child, gone }
}

/** The number of a process that has ended: nobody has it now. */
async function deadPid(): Promise<number> {
  const child = spawn('true')
  await once(child, 'exit')
  return child.pid ?? 0
}

describe('labs that were left behind', () => {
  test('a lab runs as long as its process, whether kept or not, and is kept after that', async () => {
    const mine = labPaths(roots, 'mine')
    await claimLab(roots, mine, process.pid)
    expect(await stateOf(roots, mine)).toBe('running')
    await keepLab(mine)
    expect(await stateOf(roots, mine)).toBe('running')

    const dead = labPaths(roots, 'dead')
    await claimLab(roots, dead, await deadPid())
    expect(await stateOf(roots, dead)).toBe('abandoned')
    await keepLab(dead)
    expect(await stateOf(roots, dead)).toBe('kept')
  })

  test('a process that has the number of a dead owner is not taken for it', async () => {
    const paths = labPaths(roots, 'reused')
    await claimLab(roots, paths, process.pid)
    writeFileSync(paths.owner, JSON.stringify({ pid: process.pid, startedAt: '1', kept: false }))
    expect(await stateOf(roots, paths)).toBe('abandoned')
  })

  test.each(['', '{', '{"pid":"x"}', '[]', 'null'])('an owner file %j is nobody', async (text) => {
    const paths = labPaths(roots, 'odd')
    await claimLab(roots, paths, process.pid)
    writeFileSync(paths.owner, text)
    expect(await stateOf(roots, paths)).toBe('abandoned')
  })

  test('only labs in the states asked for are removed', async () => {
    for (const [id, pid] of [
      ['alive', process.pid],
      ['kept', await deadPid()],
      ['dead', await deadPid()],
    ] as const) {
      await claimLab(roots, labPaths(roots, id), pid)
      createNamespace(labPaths(roots, id).netns('node-1'))
    }
    await keepLab(labPaths(roots, 'kept'))
    expect(await removeLabs(roots, ['abandoned'])).toEqual(['dead'])
    expect(readdirSync(roots.netns).sort()).toEqual([
      'sluice-lab-alive-node-1',
      'sluice-lab-kept-node-1',
    ])
    expect(await removeLabs(roots, ['abandoned', 'kept'])).toEqual(['kept'])
    expect(existsSync(labPaths(roots, 'alive').state)).toBe(true)
  })

  test('namespaces without any state are removed too; those of others are not', async () => {
    createNamespace(labPaths(roots, 'lost').netns('pod-a.b'))
    writeFileSync(join(roots.netns, 'mine'), '')
    expect(await removeLabs(roots, ['abandoned'])).toEqual(['lost'])
    expect(readdirSync(roots.netns)).toEqual(['mine'])
  })

  test('processes with a run directory of the lab are killed, and no others', async () => {
    const paths = labPaths(roots, 'busy')
    await claimLab(roots, paths, await deadPid())
    const agent = await bystander('--run-dir', paths.nodeRunDir(0))
    const reader = await bystander('-f', join(paths.nodeRunDir(0), 'agent.log'))
    const neighbour = await bystander('--run-dir', `${paths.state}er`)
    try {
      await removeLab(roots, paths)
      expect(await agent.gone).toEqual([null, 'SIGKILL'])
      expect(reader.child.exitCode ?? reader.child.signalCode).toBeNull()
      expect(neighbour.child.exitCode ?? neighbour.child.signalCode).toBeNull()
      expect(existsSync(paths.state)).toBe(false)
    } finally {
      for (const { child } of [agent, reader, neighbour]) child.kill('SIGKILL')
      await Promise.all([agent.gone, reader.gone, neighbour.gone])
    }
  })

  test('removing what is gone already is fine', async () => {
    await removeLab(roots, labPaths(roots, 'nothing'))
    await removeLab(roots, labPaths(roots, 'nothing'))
    expect(await removeLabs({ ...roots, state: '/nowhere', netns: '/nowhere' }, ['kept'])).toEqual(
      [],
    )
  })
})

test('names of namespaces tell the lab, and fit a file name', () => {
  const paths = labPaths(LAB_ROOTS, 'abc123')
  expect(paths.netns('link')).toBe('/run/netns/sluice-lab-abc123-link')
  expect(labIdOf('sluice-lab-abc123-pod-shop.web-0')).toEqual(['abc123'])
  expect(labIdOf('cni-123')).toEqual([])
  const name =
    paths
      .netns(`pod-${'n'.repeat(63)}.${'p'.repeat(253)}`)
      .split('/')
      .at(-1) ?? ''
  expect(name).toHaveLength(255)
})
