/** Bytes written as hexadecimal digits; spaces and line breaks are for the reader. */
export function bytes(...hex: readonly string[]): Uint8Array {
  return new Uint8Array(Buffer.from(hex.join('').replaceAll(/\s/g, ''), 'hex'))
}

export function hex(data: Uint8Array): string {
  return Buffer.from(data)
    .toString('hex')
    .replaceAll(/(.{2})(?=.)/g, '$1 ')
}
