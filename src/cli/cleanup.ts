import type { Command } from 'commander'
import { cleanUp } from '../agent/cleanup.ts'
import { enterNamespace } from '../netlink/native.ts'
import type { Terminal } from './terminal.ts'

interface Flags {
  readonly runDir: string
  readonly cniConfig: string
  readonly netns?: string
}

export function define(command: Command, terminal: Terminal): void {
  command
    .option('--run-dir <directory>', 'the agent’s directory, removed', '/run/sluice')
    .option('--cni-config <file>', 'removed', '/etc/cni/net.d/10-sluice.conflist')
    .option('--netns <path>', 'network namespace to clean')
    .action(async ({ runDir, cniConfig, netns }: Flags) => {
      if (netns !== undefined) enterNamespace(netns)
      const removed = await cleanUp([cniConfig, runDir])
      for (const what of removed) terminal.out(`removed ${what}\n`)
      terminal.out(`removed ${cniConfig} and ${runDir}, where they were there\n`)
    })
}
