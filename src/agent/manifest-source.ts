import nodeFs from 'node:fs'
import nodeFsPromises from 'node:fs/promises'
import type { Logger } from 'pino'
import { readManifestFiles } from '../cluster/files.ts'
import { MANIFEST_KINDS, type Manifests, readManifests } from '../cluster/manifests.ts'
import { problemText } from '../cluster/problem.ts'
import { type RulePlace, withPlace } from '../cluster/rule-place.ts'
import { idOf, subjectOf } from '../cluster/source-change.ts'
import { watchFiles } from '../cluster/watch-files.ts'
import type { RuleRef } from '../policy/verdict.ts'
import { sourcePolicyOf } from './source-policy-of.ts'
import type { AgentSource, Tell } from './source.ts'

export interface ManifestSourceOptions {
  readonly directory: string
  /** The node to be in DaemonSets. */
  readonly node: string
  readonly log: Logger
}

/** Follows a directory of manifests; as long as it cannot be read, it waits and says so. */
export function openManifestSource(options: ManifestSourceOptions, tell: Tell): AgentSource {
  const { directory, node, log } = options
  let previous: Manifests | undefined
  let unreadable: string | undefined
  const synced = Promise.withResolvers<void>()
  const system = { fs: nodeFsPromises, watch: nodeFs.watch, setTimeout, clearTimeout }
  const watch = watchFiles(directory, system, {
    onManifests: (files) => {
      const manifests = readManifests(files, { nodes: [node], previous })
      previous = manifests
      unreadable = undefined
      logProblems(manifests, log)
      const told = tell(
        (state) => state.replace(MANIFEST_KINDS, manifests.changes),
        manifests.revision,
      )
      told.then(synced.resolve, synced.reject)
    },
    onError: (error) => {
      unreadable = error.message
      log.error({ event: 'manifests.unreadable', err: error }, error.message)
    },
  })
  return {
    synced: synced.promise,
    lookUp: undefined,
    policyNow: async (key) => {
      // Nothing is kept from the last reading: what a broken file says now, nobody can tell.
      const files = await readManifestFiles(directory, nodeFsPromises)
      const { changes } = readManifests(files, { nodes: [node] })
      const id = idOf({ object: 'policy', key })
      return sourcePolicyOf(changes.find((change) => idOf(subjectOf(change)) === id))
    },
    nodes: () => new Map(),
    placeOf: (rule) => placeOf(rule, previous),
    problems: () => (unreadable === undefined ? [] : [unreadable]),
    close: () => watch.close(),
  }
}

function placeOf(rule: RuleRef, manifests: Manifests | undefined): Partial<RulePlace> {
  if (manifests === undefined) return {}
  const { file, line } = withPlace(rule, manifests)
  return file === undefined || line === undefined ? {} : { file, line }
}

function logProblems({ problems, revision }: Manifests, log: Logger): void {
  for (const problem of problems) {
    const level = problem.severity === 'error' ? 'error' : 'warn'
    log[level]({ event: 'manifest.problem', revision }, problemText(problem))
  }
}
