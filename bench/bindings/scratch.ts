import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Outcome {
  readonly succeeded: boolean
  /** What the program wrote, stdout and stderr. */
  readonly output: string
}

/** An empty npm package in a temporary directory, so that nothing gets into this project. */
export interface Scratch {
  readonly directory: string
  readonly npm: (...args: readonly string[]) => Promise<Outcome>
}

export async function withScratch<T>(work: (scratch: Scratch) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'sluice-bench-'))
  try {
    await writeFile(join(directory, 'package.json'), '{"private": true}')
    return await work({ directory, npm: (...args) => npm(directory, args) })
  } finally {
    await rm(directory, { recursive: true })
  }
}

function npm(cwd: string, args: readonly string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile('npm', args, { cwd, maxBuffer: 64 << 20 }, (error, stdout, stderr) => {
      resolve({ succeeded: error === null, output: `${stdout}${stderr}` })
    })
  })
}
