import { type FileTexts, isNativeError } from '../netlink/native.ts'
import type { Settings } from './settings.ts'

/** Writes files in a directory under /proc/sys as seen in a namespace. @throws an error with a `code` */
export type WriteFilesIn = (netns: string, directory: string, texts: FileTexts) => void

/** Writes settings as seen in the namespace at a path. */
export function writeSettings(
  { directory, values, optional }: Settings,
  netns: string,
  writeFilesIn: WriteFilesIn,
): void {
  try {
    writeFilesIn(netns, directory, values)
  } catch (error) {
    if (!(optional && isNativeError(error) && error.code === 'ENOENT')) throw error
  }
}
