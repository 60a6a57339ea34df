import type { Machine } from '../real-cluster/machine.ts'
import type { RunPlugin } from './cni-driver.ts'

/** Runs plugins on a machine, with nothing in their environment but what CNI says and a search path. */
export function pluginsOf(machine: Machine): RunPlugin {
  return (plugin, environment, stdin) => {
    const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`)
    return machine.attempt(['env', ...variables, `/opt/cni/bin/${plugin}`], { input: stdin })
  }
}
