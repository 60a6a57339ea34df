import { isNativeError } from '../netlink/native.ts'
import type { Setting } from './settings.ts'

/**
 * Writes a setting as seen in the namespace at a path.
 *
 * @param writeFileIn writes a file under /proc/sys; throws an error with a `code`
 */
export function writeSetting(
  { path, value, optional }: Setting,
  netns: string,
  writeFileIn: (netns: string, path: string, text: string) => void,
): void {
  try {
    writeFileIn(netns, path, value)
  } catch (error) {
    if (!(optional && isNativeError(error) && error.code === 'ENOENT')) throw error
  }
}
