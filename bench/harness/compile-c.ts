import { execFileSync } from 'node:child_process'
import { basename, join } from 'node:path'

/**
 * Compiles a C program of one file.
 *
 * @param source path of the file
 * @param directory where the program goes; it is named for the file
 * @returns the path of the program
 * @throws without a C compiler
 */
export function compileC(source: string, directory: string): string {
  const program = join(directory, basename(source, '.c'))
  const flags = ['-O2', '-std=gnu17', '-Wall', '-Wextra', '-Werror']
  execFileSync('cc', [...flags, '-o', program, source])
  return program
}
