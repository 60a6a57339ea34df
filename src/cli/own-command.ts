/** The program and its first arguments that run `sluice` as it runs now. */
export function ownCommand(): string[] {
  return [process.execPath, ...process.execArgv, process.argv[1] ?? '']
}
