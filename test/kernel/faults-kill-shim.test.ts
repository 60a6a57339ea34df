import { readdirSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { attach, detach } from '../../src/lab/shim.ts'
import { Scene } from './faults/scene.ts'
import { TracedShim } from './faults/traced-shim.ts'

/**
 * `sluice-cni` dies by SIGKILL before each of its system calls: runtimes kill a plugin that takes too long. They
 * then send DEL, again where it was the DEL that died.
 */
const { obstacle } = TracedShim
if (obstacle !== undefined) console.log(`Skipped, for want of strace: ${obstacle}`)

describe.skipIf(obstacle !== undefined)('sluice-cni killed', () => {
  const scene = new Scene()
  const shim = new TracedShim()

  beforeAll(() => scene.open())
  afterAll(async () => {
    await scene.close()
    shim.close()
  })

  test('at each system call of ADD: what the agent has done goes with DEL', async () => {
    const watched = scene.newContainer()
    shim.watch()
    await attach(traced(), sandbox(watched))
    await scene.del(watched)
    const calls = shim.calls()
    expect(calls).toEqual(expect.arrayContaining(['connect', 'sendto', 'recvfrom', 'writev']))

    const outcomes: string[] = []
    for (const place of calls.slice(1).keys()) {
      const container = scene.newContainer()
      shim.killAt(calls, place + 1)
      outcomes.push(await attach(traced(), sandbox(container)).then(() => 'survived', String))
      await scene.del(container)
      await scene.expectClean()
    }
    expect(outcomes.filter((outcome) => outcome !== 'survived').length).toBeGreaterThan(10)
  })

  test('at each system call of DEL: the next DEL does what is left', async () => {
    const watched = scene.newContainer()
    await scene.add(watched)
    shim.watch()
    await detach(traced(), sandbox(watched))
    const calls = shim.calls()
    for (const place of calls.slice(1).keys()) {
      const container = scene.newContainer()
      await scene.add(container)
      shim.killAt(calls, place + 1)
      await detach(traced(), sandbox(container)).catch(() => undefined)
      await scene.del(container)
      await scene.expectClean()
    }
  })

  test('at each system call of a DEL that is queued: the agent finds whole deletions only', async () => {
    const { node } = scene.cluster
    const container = scene.newContainer()
    await scene.add(container)
    await scene.cluster.killAgent(node)
    shim.watch()
    await detach(traced(), sandbox('somebody-else'))
    const calls = shim.calls()
    expect(calls).toEqual(expect.arrayContaining(['mkdir', 'open', 'write', 'rename']))
    for (const place of calls.slice(1).keys()) {
      shim.killAt(calls, place + 1)
      await detach(traced(), sandbox(container)).catch(() => undefined)
    }
    await scene.del(container)

    const unfinished = readdirSync(queue()).filter((name) => name.startsWith('.'))
    expect(unfinished.length).toBeGreaterThan(0)
    const anHourAgo = Date.now() / 1000 - 3600
    for (const name of unfinished) utimesSync(join(queue(), name), anHourAgo, anHourAgo)
    await scene.revive()
    await scene.expectClean()
    expect(readdirSync(queue())).toEqual([])
    const warnings = (await scene.cluster.log(node)).filter(({ event }) => event === 'del.queued')
    expect(warnings).toEqual([])
  })

  test('packets of the others had the right verdicts all along', () => scene.expectVerdicts())

  function traced() {
    return { program: shim.program, runDir: scene.cluster.node.runDir }
  }

  function queue(): string {
    return join(scene.cluster.node.runDir, 'del')
  }

  function sandbox(containerId: string) {
    return { ...scene.cluster.pod('victim').sandbox, containerId }
  }
})
