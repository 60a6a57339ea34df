import * as fs from 'node:fs/promises'
import type { Command } from 'commander'
import { clusterOfManifests, type Manifests } from '../cluster/manifests.ts'
import { quoteRule, withPlace } from '../cluster/rule-place.ts'
import { CommandError } from './command-error.ts'
import { readManifestDirectory, requireNoErrors, tellProblems } from './manifest-problems.ts'
import { type CheckedAssertion, checkAssertion } from './test/check-assertion.ts'
import { junitReport } from './test/junit.ts'
import { type AssertionFile, readAssertions } from './test/read-assertions.ts'
import { styled, type Terminal } from './terminal.ts'

interface Options {
  readonly manifests: string
  readonly junit?: string
}

/** `sluice test`: holds assertions against manifests. Exit code 1 when one fails or cannot be read. */
export function define(command: Command, terminal: Terminal): void {
  command
    .argument('<file...>', 'YAML lists of from, to, port, protocol, expect, because')
    .requiredOption('--manifests <dir>', 'directory of Kubernetes YAML')
    .option('--junit <file>', 'write a JUnit report as well')
    .action((files: string[], options: Options) => run(files, options, terminal))
}

async function run(files: readonly string[], options: Options, terminal: Terminal): Promise<void> {
  const start = performance.now()
  const manifests = await readManifestDirectory(options.manifests)
  tellProblems(manifests, terminal)
  const read = await Promise.all(files.map(readFile))
  const problems = read.flatMap((file) => file.problems)
  for (const { file, line, message } of problems) terminal.err(`${file}:${line}: ${message}\n`)
  const cluster = clusterOfManifests(manifests)
  const checked = read.flatMap(({ assertions }) =>
    assertions.map((assertion) => checkAssertion(assertion, cluster)),
  )
  const failed = checked.filter(({ failure }) => failure !== undefined)
  for (const one of failed) terminal.out(failureText(one, manifests, terminal))
  const seconds = (performance.now() - start) / 1000
  if (options.junit !== undefined) await writeReport(options.junit, checked, seconds)
  terminal.out(`${checked.length - failed.length} passed, ${failed.length} failed\n`)
  requireNoErrors(manifests, options.manifests)
  if (problems.length > 0) throw new CommandError('Some assertions cannot be read: see above.')
  if (checked.length === 0) throw new CommandError(`There is no assertion in ${files.join(', ')}.`)
  if (failed.length > 0) throw new CommandError(`${failed.length} of the assertions do not hold.`)
}

async function readFile(file: string): Promise<AssertionFile> {
  const { default: yaml } = await import('yaml')
  try {
    return readAssertions(await fs.readFile(file, 'utf8'), file, yaml)
  } catch (error) {
    throw new CommandError(`${file} cannot be read: ${reasonOf(error)}`)
  }
}

async function writeReport(
  file: string,
  checked: readonly CheckedAssertion[],
  seconds: number,
): Promise<void> {
  try {
    await fs.writeFile(file, junitReport(checked, seconds))
  } catch (error) {
    throw new CommandError(`The report ${file} cannot be written: ${reasonOf(error)}`)
  }
}

function failureText(
  { assertion, failure, rules }: CheckedAssertion,
  manifests: Manifests,
  terminal: Terminal,
): string {
  const { file, line, name, subject } = assertion
  const title = name === '' ? subject : `${subject} (${name})`
  const places = rules.map((rule) => {
    const place = withPlace(rule, manifests)
    const where = styled(terminal, 'dim', `${place.file}:${place.line}:`)
    return `    ${where} ${quoteRule(rule, manifests)}  (${rule.policy} ${rule.path})\n`
  })
  const head = `${styled(terminal, 'red', 'FAIL')}  ${file}:${line}: ${title}\n`
  return `${head}  ${failure}\n${[...new Set(places)].join('')}`
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
