import { describe, expect, test } from 'vitest'
import type { PolicyReport } from '../../../src/agent/policy-report.ts'
import type { ObjectVersion } from '../../../src/cluster/object-version.ts'
import { type Asked, progressOf } from '../../../src/cli/wait/progress-of.ts'
import { report } from '../reports.ts'

const since = '2026-01-01T00:00:00.000Z'

function version(generation: number, uid = 'one'): ObjectVersion {
  return { uid, generation }
}

function now(generation: number, uid?: string): Asked {
  return { kind: 'now', policy: { version: version(generation, uid), problems: [] } }
}

const LIVE = report()
const ACCEPTED = report({ state: 'accepted', version: version(4) })
const STUCK = report({ state: 'accepted', version: version(4), commitRefused: 'It says no' })
const LEAVING = report({ state: 'leaving', version: null })
const REFUSED = report({
  state: 'refused',
  version: version(4),
  refused: { problems: ['spec: wrong'], inForce: 'last accepted version' },
})
const DIGEST = report({ version: { digest: 'ab' }, live: { version: { digest: 'ab' }, since } })
const WRONG: Asked = { kind: 'now', policy: { version: version(4), problems: ['spec: wrong'] } }

describe('how far the kernel is', () => {
  test.each<[string, Asked, PolicyReport | undefined, string]>([
    ['the version itself', now(3), LIVE, 'done'],
    ['an earlier one', now(2), LIVE, 'done'],
    ['a later one', now(4), LIVE, 'waiting: the kernel enforces version 3 of it, 4 is asked for'],
    [
      'one on its way',
      now(4),
      ACCEPTED,
      'waiting: the kernel enforces version 3 of it, 4 is asked',
    ],
    ['one that the kernel refuses', now(4), STUCK, 'waiting: It says no'],
    ['one made anew', now(3, 'two'), LIVE, 'waiting: the kernel enforces version 3'],
    ['one that nobody told of', now(1), undefined, 'waiting: the agent has not been told of it'],
    ['nothing', { kind: 'now', policy: undefined }, LIVE, 'failed: the source has no such policy'],
    ['a refused one', WRONG, LIVE, 'failed: version 4 is refused: spec: wrong'],
    ['one that the agent refuses', now(4), REFUSED, 'failed: version 4 is refused: spec: wrong'],
    ['one before a refused one', now(3), REFUSED, 'done'],
    ['the generation 3', { kind: 'version', text: '3' }, LIVE, 'done'],
    ['the generation 4', { kind: 'version', text: '4' }, LIVE, 'waiting: the kernel enforces'],
    ['what is no generation', { kind: 'version', text: 'x' }, LIVE, 'waiting: the kernel enforces'],
    [
      'a refused generation',
      { kind: 'version', text: '4' },
      REFUSED,
      'failed: version 4 is refused',
    ],
    ['a digest', { kind: 'version', text: 'ab' }, DIGEST, 'done'],
    ['another digest', { kind: 'version', text: 'cd' }, DIGEST, 'waiting: the kernel enforces'],
    ['its end', { kind: 'deleted', policy: undefined }, undefined, 'done'],
    ['its end, on its way', { kind: 'deleted', policy: undefined }, LEAVING, 'waiting: the agent'],
    [
      'the end of what is still there',
      { kind: 'deleted', policy: { version: version(3), problems: [] } },
      LIVE,
      'failed: the source still has it',
    ],
  ])('asked for %s', (_, asked, known, expected) => {
    const progress = progressOf(asked, known)
    const told = progress.kind === 'done' ? 'done' : `${progress.kind}: ${progress.why}`
    expect(told).toContain(expected)
    if (expected === 'done') expect(told).toBe('done')
  })
})
