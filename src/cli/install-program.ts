import type * as fs from 'node:fs/promises'
import { basename, join } from 'node:path'

/** What `installProgram` uses of `node:fs/promises`. */
export type InstallFiles = Pick<
  typeof fs,
  'chmod' | 'mkdir' | 'readFile' | 'rename' | 'rm' | 'stat' | 'writeFile'
>

/** rwxr-xr-x */
const MODE = 0o755

/**
 * Puts a program into a directory, which is made if need be. The program appears whole, by a rename within the
 * directory, so that whoever starts it meanwhile gets the old one or the new one; one in use may be replaced.
 *
 * @returns false if the same program was there already; then nothing was touched
 * @throws the system's error when the source cannot be read or the directory not written
 */
export async function installProgram(
  source: string,
  directory: string,
  files: InstallFiles,
): Promise<boolean> {
  const program = await files.readFile(source)
  const target = join(directory, basename(source))
  if (await isThere(target, program, files)) return false
  await files.mkdir(directory, { recursive: true })
  const temporary = join(directory, `.${basename(source)}.new`)
  try {
    await files.writeFile(temporary, program)
    // Not as an option of writeFile: that is subject to the umask, and void for a file left by a crash.
    await files.chmod(temporary, MODE)
    await files.rename(temporary, target)
  } catch (error) {
    await files.rm(temporary, { force: true }).catch(() => {})
    throw error
  }
  return true
}

async function isThere(target: string, program: Buffer, files: InstallFiles): Promise<boolean> {
  try {
    const { mode } = await files.stat(target)
    return (mode & 0o7777) === MODE && program.equals(await files.readFile(target))
  } catch {
    // Not there, or nothing that can be read: the rename will tell what is wrong.
    return false
  }
}
