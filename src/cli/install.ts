import * as files from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Command } from 'commander'
import { CommandError } from './command-error.ts'
import { findShim } from './find-shim.ts'
import { installProgram } from './install-program.ts'
import type { Terminal } from './terminal.ts'

interface Flags {
  readonly cniBinDir: string
  readonly loopback?: string
}

/**
 * `sluice install`: the DaemonSet's first step on a node. The network configuration that names the program is
 * the agent's to write, when it is ready to be called.
 */
export function define(command: Command, terminal: Terminal): void {
  command
    .option('--cni-bin-dir <directory>', 'where the runtime looks for programs', '/opt/cni/bin')
    .option('--loopback <file>', 'the reference loopback plugin, for a node that has none')
    .action((flags: Flags) => install(flags, terminal))
}

async function install({ cniBinDir, loopback }: Flags, terminal: Terminal): Promise<void> {
  await put(findShim(import.meta.dirname), cniBinDir, terminal)
  // containerd calls a plugin of this name for every pod, and not all distributions bring it.
  if (loopback === undefined) return
  if (await exists(join(cniBinDir, 'loopback'))) {
    terminal.out(`${join(cniBinDir, 'loopback')} is the node’s own, and stays\n`)
  } else {
    await put(loopback, cniBinDir, terminal)
  }
}

async function put(source: string, directory: string, terminal: Terminal): Promise<void> {
  const target = join(directory, basename(source))
  const changed = await installProgram(source, directory, files).catch((error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error)
    throw new CommandError(
      `${target} cannot be installed: ${reason}. Is --cni-bin-dir a directory that you may write to?`,
    )
  })
  terminal.out(changed ? `installed ${target}\n` : `${target} is up to date\n`)
}

async function exists(path: string): Promise<boolean> {
  return files.access(path).then(
    () => true,
    () => false,
  )
}
