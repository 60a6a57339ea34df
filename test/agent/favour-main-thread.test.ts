import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const MODULE = join(import.meta.dirname, '..', '..', 'src', 'agent', 'favour-main-thread.ts')

/** Tells the nice values of the main thread and of the others, by name (proc_pid_stat(5), field 19). */
const SCRIPT = `
  import { readdirSync, readFileSync } from 'node:fs'
  import { favourMainThread } from ${JSON.stringify(MODULE)}
  favourMainThread()
  for (const thread of readdirSync('/proc/self/task')) {
    const [, name, fields] = /\\((.*)\\) (.*)/.exec(readFileSync('/proc/self/task/' + thread + '/stat', 'utf8'))
    console.log(Number(thread) === process.pid ? 'main' : name, fields.split(' ')[16])
  }
`

test('threads of V8 come after the main thread', () => {
  const output = execFileSync(process.execPath, ['--input-type=module', '--eval', SCRIPT], {
    encoding: 'utf8',
  })
  const threads = output.trim().split('\n')
  expect(threads).toContain('main 0')
  expect(threads.filter((one) => one === 'V8Worker 10').length).toBeGreaterThan(0)
  expect(threads.filter((one) => one === 'V8Worker 0')).toEqual([])
})
