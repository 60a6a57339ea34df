import { runCommandLine } from '../../src/cli/command-line.ts'

/** Runs a command line as a person would, off screen. */
export async function sluice(
  ...args: string[]
): Promise<{ code: number; out: string; err: string }> {
  const said = { out: '', err: '' }
  const code = await runCommandLine(args, {
    out: (text) => (said.out += text),
    err: (text) => (said.err += text),
    colour: false,
  })
  return { code, ...said }
}
