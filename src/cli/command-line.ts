import { Command, CommanderError } from 'commander'
import { CommandError } from './command-error.ts'
import type { Terminal } from './terminal.ts'

/** A command of `sluice`: its module is loaded only when it is the one that runs. */
interface CommandModule {
  readonly summary: string
  readonly load: () => Promise<{ define: (command: Command, terminal: Terminal) => void }>
}

const COMMANDS: Readonly<Record<string, CommandModule>> = {
  agent: {
    summary: 'be the agent of a node: policy into its kernel, networks for its pods',
    load: () => import('./agent.ts'),
  },
  cleanup: {
    summary: 'remove everything that Sluice made on this node: pods lose their network',
    load: () => import('./cleanup.ts'),
  },
  diff: {
    summary: 'say which pairs gain and lose what between two versions of manifests',
    load: () => import('./diff.ts'),
  },
  explain: {
    summary: 'say whether a connection is allowed, and which line of YAML decides',
    load: () => import('./explain.ts'),
  },
  flows: {
    summary: 'say which packets the agent of this node denies, and why; live with -f',
    load: () => import('./flows.ts'),
  },
  install: {
    summary: 'put the program that container runtimes call where they look for it',
    load: () => import('./install.ts'),
  },
  lab: {
    summary: 'build a cluster of network namespaces on this machine, and probe it',
    load: () => import('./lab.ts'),
  },
  demo: {
    summary: 'show in four steps how policy is enforced in the kernel of this machine',
    load: () => import('./demo.ts'),
  },
  policies: {
    summary: 'list the policies that this node knows, and whether its kernel enforces them',
    load: () => import('./policies.ts'),
  },
  test: {
    summary: 'hold assertions about who may reach whom against manifests, for CI',
    load: () => import('./test.ts'),
  },
  status: {
    summary: 'say what the agent of this node enforces, and what it cannot',
    load: () => import('./status.ts'),
  },
  wait: {
    summary: 'return when the kernel of this node enforces what a policy says now',
    load: () => import('./wait.ts'),
  },
}

/**
 * Runs `sluice` with these arguments (without the program's own name) and returns its exit code: 0 done,
 * 1 failed, 2 wrong usage. Errors are told on the terminal, never thrown, unless they are our mistake.
 */
export async function runCommandLine(args: readonly string[], terminal: Terminal): Promise<number> {
  const program = new Command('sluice')
    .description('Network policy for Kubernetes, enforced in the kernel')
    .configureOutput({ writeOut: terminal.out, writeErr: terminal.err })
    .exitOverride()
  try {
    await defineCommands(program, args[0], terminal)
    await program.parseAsync(args, { from: 'user' })
    return 0
  } catch (error) {
    // It has printed what it has to say.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    if (!(error instanceof CommandError)) throw error
    terminal.err(`sluice: ${error.message}\n`)
    return 1
  }
}

async function defineCommands(
  program: Command,
  wanted: string | undefined,
  terminal: Terminal,
): Promise<void> {
  for (const [name, { summary, load }] of Object.entries(COMMANDS)) {
    const command = program.command(name).summary(summary).description(summary)
    if (name === wanted) (await load()).define(command, terminal)
  }
}
