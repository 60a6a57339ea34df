import { runCommandLine } from './command-line.ts'

// Whoever reads us may stop early (`sluice explain … | head`): that is no failure.
const reader = new AbortController()
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  reader.abort()
})

const exitCode = await runCommandLine(process.argv.slice(2), {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
  colour: process.stdout.isTTY === true && process.env['NO_COLOR'] === undefined,
  gone: reader.signal,
})

// A command that failed may have left sockets open, which would keep the process.
if (exitCode !== 0) process.exit(exitCode)
