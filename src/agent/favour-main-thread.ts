import { readdirSync, readFileSync } from 'node:fs'
import { setPriority } from 'node:os'
import { setFlagsFromString } from 'node:v8'

const TASKS = '/proc/self/task'
/** A tenth of the weight of an ordinary thread (sched(7), nice values). */
const LATER = 10

/**
 * Has the threads on which V8 compiles and collects garbage come after the one that serves pods; for when the start is
 * over, which they make shorter. Where processors are few they hold it up: of the eleven longest waits for a processor
 * in 1,300 ADDs, 2 to 8 ms each, nine were for them.
 */
export function favourMainThread(): void {
  // Short collections then have one thread: it would wait for the others.
  setFlagsFromString('--no-parallel-scavenge')
  for (const thread of readdirSync(TASKS)) {
    // As Node.js names them.
    const isOfV8 = readFileSync(`${TASKS}/${thread}/comm`, 'utf8').startsWith('V8Worker')
    if (isOfV8) setPriority(Number(thread), LATER)
  }
}
