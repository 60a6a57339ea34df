import { arch, cpus, release } from 'node:os'

/** What the figures were taken on, in one line. */
export function machineLine(): string {
  return `Linux ${release()} ${arch()}, ${cpus().length} × ${cpus()[0]?.model}, Node.js ${process.version}`
}
