// Runs the addon's cases in a plain Node process: `make -C native test` puts the sanitizer into it.
import { exchangeCases } from './exchange-cases.ts'
import { replayAddon } from './fuzz/replay-addon.ts'
import { runInNamespace } from './in-namespace.ts'
import { readableCases } from './readable-cases.ts'
import { threadCases } from './thread-cases.ts'
import { transferCases } from './transfer-cases.ts'

const cases = [...transferCases, ...exchangeCases, ...readableCases, ...threadCases]
for (const { name, run } of cases) {
  try {
    await runInNamespace(run)
  } catch (error) {
    throw new Error(`The addon fails its case "${name}".`, { cause: error })
  }
}
console.log(`addon: good, ${cases.length} cases, ${await replayAddon(1500)} inputs`)
