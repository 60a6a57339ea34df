import type * as nodeFs from 'node:fs/promises'
import { basename, dirname, extname, join } from 'node:path'
import type { Logger } from 'pino'
import { chainConfig } from './chain-config.ts'
import { placeCniConfig } from './cni-config-file.ts'

export interface FollowCniConfigOptions {
  /** Ours, in the directory where the container runtime looks for the first by name. */
  readonly path: string
  readonly files: Pick<typeof nodeFs, 'readdir' | 'readFile'>
  readonly log: Logger
  readonly setInterval: (
    callback: () => Promise<void>,
    everyMs: number,
  ) => { readonly stop: () => void }
}

const LOOK_EVERY_MS = 2000

/**
 * Keeps a network configuration that is the first other one with `sluice-cni` behind its plugins: also when that
 * appears or changes later. The other file stays as it is, and is in use again once ours is removed.
 */
export async function followCniConfig(
  options: FollowCniConfigOptions,
): Promise<{ close: () => void }> {
  const told = new Set<string>()
  const look = async (): Promise<void> => {
    try {
      const problem = await update(options)
      if (problem === undefined) return
      if (!told.has(problem)) options.log.warn({ event: 'cni.config' }, problem)
      told.add(problem)
    } catch (error) {
      options.log.error(
        { event: 'cni.config', err: error },
        'the CNI configuration is not followed',
      )
    }
  }
  await look()
  const { stop } = options.setInterval(look, LOOK_EVERY_MS)
  return { close: stop }
}

/** @returns why there is none of ours, as a sentence */
async function update({ path, files }: FollowCniConfigOptions): Promise<string | undefined> {
  const directory = dirname(path)
  const own = basename(path)
  const [first] = (await namesIn(directory, files)).filter((name) => name !== own)
  if (first === undefined) {
    return `There is no network configuration in ${directory} yet to list sluice-cni in; it is waited for`
  }
  if (first < own) {
    return `The container runtime reads ${first} rather than ${own}, since it comes first by name; give --cni-config a name before it, such as 00-sluice.conflist`
  }
  let text: string | undefined
  try {
    text = chainConfig(await files.readFile(join(directory, first), 'utf8'))
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return `${join(directory, first)} is no network configuration: ${reason}`
  }
  if (text === undefined) return undefined
  const held = await files.readFile(path, 'utf8').catch(() => undefined)
  if (held !== text) await placeCniConfig(path, text)
  return undefined
}

/** Those that container runtimes read, in their order (libcni: ConfFiles). */
async function namesIn(
  directory: string,
  files: Pick<typeof nodeFs, 'readdir'>,
): Promise<readonly string[]> {
  const names = await files.readdir(directory)
  return names.filter((name) => ['.conf', '.conflist', '.json'].includes(extname(name))).toSorted()
}
