import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { Scratch } from './scratch.ts'

/** The part of koffi that is measured: functions of C libraries, called on this thread. */
export interface Koffi {
  load(library: string): CLibrary
}

export interface CLibrary {
  /** The function with this C prototype. */
  func(prototype: string): (...args: readonly unknown[]) => unknown
}

/** Installs koffi outside this project and loads it; undefined where that cannot be. */
export async function loadKoffi({ directory, npm }: Scratch): Promise<Koffi | undefined> {
  const { succeeded } = await npm('install', '--no-audit', '--no-fund', 'koffi@3.3.4')
  if (!succeeded) return undefined
  const koffi: unknown = createRequire(join(directory, 'package.json'))('koffi')
  return isKoffi(koffi) ? koffi : undefined
}

function isKoffi(value: unknown): value is Koffi {
  return (
    typeof value === 'object' &&
    value !== null &&
    'load' in value &&
    typeof value.load === 'function'
  )
}
