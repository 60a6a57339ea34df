import { existsSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createNamespace } from '../../src/netlink/native.ts'
import { atEachStep } from './faults/each-step.ts'
import { Scene } from './faults/scene.ts'

/**
 * The pod's namespace is deleted before each step of its ADD, and of its DEL, while the agent lives on: runtimes
 * do so when they give up on a pod.
 */
const scene = new Scene()

beforeAll(() => scene.open())
afterAll(() => scene.close())

const TIMEOUT_MS = 300_000

test(
  'ADD says that the namespace has gone, or comes too late to notice; DEL leaves nothing',
  async () => {
    let failures = 0
    await atEachStep(scene, fault(), {
      act: (container) => scene.add(container).catch(String),
      judge: async (container, outcome) => {
        renewNamespace()
        if (typeof outcome === 'string') {
          failures += 1
          expect(outcome).toMatch(/\(code (3|103)\)/u)
          expect(outcome).not.toContain('Nor could it all be undone')
          await scene.expectClean()
        }
        await scene.del(container)
        await scene.expectClean()
      },
    })
    expect(failures).toBeGreaterThan(5)
  },
  TIMEOUT_MS,
)

test(
  'DEL does not need it',
  async () => {
    await atEachStep(scene, fault(), {
      prepare: async (container) => void (await scene.add(container)),
      act: (container) => scene.del(container),
      judge: async () => {
        renewNamespace()
        await scene.expectClean()
      },
    })
  },
  TIMEOUT_MS,
)

test('packets of the others had the right verdicts all along', () => scene.expectVerdicts())

function fault() {
  return {
    kind: 'run',
    command: ['ip', 'netns', 'delete', netns().split('/').at(-1) ?? ''],
  } as const
}

function renewNamespace(): void {
  if (!existsSync(netns())) createNamespace(netns())
}

function netns(): string {
  return scene.cluster.pod('victim').netns
}
