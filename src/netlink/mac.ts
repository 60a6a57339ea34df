import { NetlinkDecodeError } from './errors.ts'

/**
 * The six bytes of a MAC address such as `02:00:00:00:00:01`.
 *
 * @throws {TypeError} unless `text` has that form.
 */
export function macToBytes(text: string): Uint8Array {
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(text)) {
    throw new TypeError(
      `${JSON.stringify(text)} is no MAC address: write six bytes as 02:00:00:00:00:01.`,
    )
  }
  const bytes = new Uint8Array(6)
  for (let at = 0; at < 6; at++) bytes[at] = Number.parseInt(text.slice(3 * at, 3 * at + 2), 16)
  return bytes
}

/** In lower case. @throws {NetlinkDecodeError} naming `attribute` unless there are six bytes. */
export function macFromBytes(bytes: Uint8Array, attribute: string): string {
  if (bytes.length !== 6) {
    throw new NetlinkDecodeError(attribute, `it has ${bytes.length} bytes and a MAC address six.`)
  }
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(':')
}
