import nodeFs from 'node:fs'
import nodeFsPromises from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { Socket } from 'node:net'
import { step } from './step.ts'
import { systemError } from './system-error.ts'

/** Run by the agent before anything else: each change to a file, and each reply to the CNI, becomes a step. */
const SYNCHRONOUS = ['openSync', 'mkdirSync', 'renameSync', 'rmSync', 'unlinkSync']
const ASYNCHRONOUS = ['chmod', 'mkdir', 'rename', 'rm', 'unlink', 'writeFile']

for (const name of SYNCHRONOUS) {
  replace(nodeFs, name, (real, args) => {
    take(name, args[0])
    return real(args)
  })
}
for (const name of ASYNCHRONOUS) {
  replace(nodeFsPromises, name, async (real, args) => {
    take(name, args[0])
    return await real(args)
  })
}
// Two steps, because a file may be found with half of its text.
replace(nodeFs, 'writeFileSync', (real, args) => {
  const [path, data, ...options] = args
  const half = String(data).slice(0, String(data).length / 2)
  take('writeFileSync', path)
  take('writeFileSync, second half,', path, () => void real([path, half, ...options]))
  return real(args)
})
replace(Socket.prototype, 'end', (real, args) => {
  if (args[0] instanceof Uint8Array) step('the end of a reply')
  return real(args)
})
syncBuiltinESMExports()

type Call = (args: readonly unknown[]) => unknown

function replace(
  owner: object,
  name: string,
  replacement: (real: Call, args: readonly unknown[]) => unknown,
): void {
  const real: unknown = Reflect.get(owner, name)
  if (typeof real !== 'function') throw new Error(`This Node has no ${name}.`)
  Reflect.set(owner, name, function (this: unknown, ...args: readonly unknown[]) {
    return replacement((given) => Reflect.apply(real, this, given), args)
  })
}

/** @throws what the plan wants the step to fail with */
function take(name: string, path: unknown, part?: () => void): void {
  const fault = step(`${name} ${String(path)}`, part)
  if (fault?.kind === 'refuse') throw systemError(fault.code, name)
}
