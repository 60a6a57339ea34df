import { expect, test } from 'vitest'
import { Progress, type ProgressOut } from '../../../bench/harness/progress.ts'

const CLEAR = '\r\u001b[K'

/** What is written when something is said every 400 ms, and noted at the end. */
function written(out: Omit<ProgressOut, 'write'>): string[] {
  const texts: string[] = []
  let nowMs = 0
  const progress = new Progress({ ...out, write: (text) => void texts.push(text) }, () => nowMs)
  for (const what of ['a', 'b', 'c', 'd']) {
    progress.say(what)
    nowMs += 400
  }
  progress.note('done')
  return texts
}

test('what is kept has a line a second, and all that stays', () => {
  expect(written({})).toEqual(['    0 s  a\n', '    1 s  d\n', '    2 s  done\n'])
})

test('a screen has one line that changes, cut to its width', () => {
  expect(written({ isTTY: true, columns: 11 })).toEqual([
    `${CLEAR}    0 s  a`,
    `${CLEAR}    0 s  b`,
    `${CLEAR}    1 s  c`,
    `${CLEAR}    1 s  d`,
    `${CLEAR}    2 s  done\n`,
  ])
})
