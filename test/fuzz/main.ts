// Fuzzes what reads messages of the kernel, requests and manifests: `make fuzz` runs it. The first argument says how
// many inputs in all, SEED which ones.
import { fuzzApart } from './fuzz-apart.ts'
import { targets } from './targets.ts'

const total = Number(process.argv[2])
const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31))
const inputs = Math.ceil(total / targets.length)
let read = 0
const names = targets.map(({ name }) => name)
await fuzzApart({ names, inputs, seed }, (outcome) => {
  if (outcome.error !== undefined) {
    console.error(outcome.error)
    process.exitCode = 1
    return
  }
  read += outcome.inputs
})
const found = process.exitCode === 1 ? 'findings above' : 'nothing found'
console.log(`readers: ${read} inputs for ${targets.length} readers, SEED=${seed}, ${found}`)
