import { CniError } from './errors.ts'
import type { NetworkConfig } from './config.ts'

/** ADD after another plugin, which has wired the pod: only its policy is ours. */
export async function addChained(config: NetworkConfig): Promise<string> {
  throw new CniError(
    'unsupportedField',
    `The network ${config.name} lists sluice after another plugin (prevResult); make it the first of the list`,
  )
}
