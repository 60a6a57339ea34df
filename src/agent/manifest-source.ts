import nodeFs from 'node:fs'
import nodeFsPromises from 'node:fs/promises'
import type { Logger } from 'pino'
import { type Manifests, readManifests } from '../cluster/manifests.ts'
import { problemText } from '../cluster/problem.ts'
import { watchFiles } from '../cluster/watch-files.ts'

/** A directory of manifests as a source of truth. */
export interface ManifestSource {
  readonly first: Manifests
  /** Calls back with every later content. */
  onManifests(listener: (manifests: Manifests) => void): void
  close(): void
}

export interface ManifestSourceOptions {
  readonly manifests: string
  /** The node to be in DaemonSets. */
  readonly node: string
  readonly log: Logger
}

/** Resolves with the first content; as long as the directory cannot be read, it waits and says so. */
export function openManifestSource(options: ManifestSourceOptions): Promise<ManifestSource> {
  const { manifests: directory, node, log } = options
  let previous: Manifests | undefined
  let listener: ((manifests: Manifests) => void) | undefined
  const opened = Promise.withResolvers<ManifestSource>()
  const system = { fs: nodeFsPromises, watch: nodeFs.watch, setTimeout, clearTimeout }
  const watch = watchFiles(directory, system, {
    onManifests: (files) => {
      const manifests = readManifests(files, { nodes: [node], previous })
      previous = manifests
      logProblems(manifests, log)
      // Only the first one resolves anything.
      opened.resolve({
        first: manifests,
        onManifests: (later) => {
          listener = later
          // What came while nobody listened.
          if (previous !== undefined && previous !== manifests) later(previous)
        },
        close: () => watch.close(),
      })
      listener?.(manifests)
    },
    onError: (error) => log.error({ event: 'manifests.unreadable', err: error }, error.message),
  })
  return opened.promise
}

function logProblems({ problems, revision }: Manifests, log: Logger): void {
  for (const problem of problems) {
    const level = problem.severity === 'error' ? 'error' : 'warn'
    log[level]({ event: 'manifest.problem', revision }, problemText(problem))
  }
}
