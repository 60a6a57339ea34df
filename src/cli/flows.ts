import type { IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { addAbortSignal } from 'node:stream'
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { Flow } from '../flows/flow.ts'
import { openAnswer } from './ask-agent.ts'
import { CommandError } from './command-error.ts'
import { FlowTable } from './flow-table.ts'
import type { Terminal } from './terminal.ts'

interface Options {
  readonly follow?: true
  readonly pod?: string
  readonly namespace?: string
  readonly verdict?: string
  readonly port?: number
  readonly last?: number
  readonly allowed?: true
  readonly sample: number
  readonly output?: 'json'
  readonly runDir: string
}

/** `sluice flows`: what the agent of this node has recorded, and with `-f` what it records from now on. */
export function define(command: Command, terminal: Terminal): void {
  command
    .option('-f, --follow', 'go on with what comes, until interrupted')
    .option('--pod <pod>', 'from or to this pod: namespace/name, or the name alone')
    .option('-n, --namespace <name>', 'from or to pods of this namespace')
    .addOption(new Option('--verdict <verdict>', 'with this outcome').choices(['allow', 'deny']))
    .option('--port <port>', 'to this port', wholeNumber)
    .option('--last <number>', 'only so many of those recorded before', wholeNumber)
    .option('--allowed', 'follow, and record new connections that pass meanwhile')
    .option('--sample <number>', 'with --allowed, one in so many of them', wholeNumber, 1)
    .addOption(new Option('-o, --output <format>', 'one JSON object a line').choices(['json']))
    .option('--run-dir <directory>', 'where the agent listens', '/run/sluice')
    .action((options: Options) => run(options, terminal))
}

async function run(options: Options, terminal: Terminal): Promise<void> {
  const answer = await openAnswer(join(options.runDir, 'agent.sock'), pathOf(options))
  const { gone } = terminal
  if (gone !== undefined) addAbortSignal(gone, answer)
  const table = options.output === 'json' ? undefined : new FlowTable(terminal)
  let lines = 0
  for await (const line of linesOf(answer)) {
    show(line, table, terminal)
    lines += 1
  }
  if (gone?.aborted === true) return
  if (follows(options)) throw new CommandError('The agent has ended, or has closed the connection.')
  if (lines === 0 && table !== undefined) terminal.err('No such flows are recorded.\n')
}

function show(line: string, table: FlowTable | undefined, terminal: Terminal): void {
  const told: Flow | { readonly skipped: number } = JSON.parse(line)
  if ('skipped' in told) {
    terminal.err(`${told.skipped} flows are left out: they came faster than they were read.\n`)
  } else if (table !== undefined) table.add(told)
  else terminal.out(`${line}\n`)
}

/** To its end, however it ends. */
async function* linesOf(answer: IncomingMessage): AsyncGenerator<string> {
  let rest = ''
  try {
    for await (const chunk of answer.setEncoding('utf8')) {
      const lines = `${rest}${chunk}`.split('\n')
      rest = lines.pop() ?? ''
      yield* lines
    }
  } catch (error) {
    if (!isClosing(error)) throw error
  }
}

/** The agent has ended, or nobody reads us any more. */
function isClosing(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return code === 'ECONNRESET' || code === 'ABORT_ERR'
}

function pathOf(options: Options): string {
  const { pod, namespace, verdict, port, last, allowed, sample } = options
  const asked = {
    pod,
    namespace,
    verdict,
    port,
    last,
    follow: follows(options) ? 1 : undefined,
    allowed: allowed ? sample : undefined,
  }
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(asked)) {
    if (value !== undefined) query.set(name, String(value))
  }
  return `/flows?${query.toString()}`
}

/** Allowed connections are recorded only while somebody looks. */
function follows({ follow: asked, allowed }: Options): boolean {
  return asked === true || allowed === true
}

function wholeNumber(text: string): number {
  if (/^\d{1,10}$/u.test(text)) return Number(text)
  throw new InvalidArgumentError('It must be a whole number.')
}
