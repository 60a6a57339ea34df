import type { ClusterSize } from './cluster-texts.ts'

/** The size of a cluster as the last arguments of a process. */
export function sizeArguments({ pods, policies }: ClusterSize): string[] {
  return [String(pods), String(policies)]
}

/** What `sizeArguments` made, in the process. @param before so many arguments come first */
export function sizeFromArguments(before = 0): ClusterSize {
  const [pods, policies] = process.argv.slice(2 + before)
  return { pods: Number(pods), policies: Number(policies) }
}
