// Hands the addon to libFuzzer: native/fuzz/run-addon runs it, with its own path and the arguments of libFuzzer.
import { createRequire } from 'node:module'
import { useAddon } from './use-addon.ts'

const addon: unknown = createRequire(import.meta.url)(process.env['SLUICE_NATIVE'] ?? '')
const fuzz: unknown = Reflect.get(Object(addon), 'fuzz')
/** What Node does between two turns of the event loop, which libFuzzer does not come to: settle promises. */
const settle: unknown = Reflect.get(process, '_tickCallback')
if (typeof fuzz !== 'function' || typeof settle !== 'function')
  throw new Error('The addon of SLUICE_NATIVE has no `fuzz`. Run `make -C native fuzz`.')

fuzz(
  (bytes: Uint8Array) => {
    useAddon(bytes)
    settle()
  },
  ...process.argv.slice(2),
)
