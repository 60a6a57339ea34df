/** A frame of a request with any two parts, whatever is in them. */
export function frameOf(environment: string | Buffer, stdin: string | Buffer): Buffer {
  const parts = [Buffer.from(environment), Buffer.from(stdin)]
  const header = Buffer.from('SLC1\0\0\0\0\0\0\0\0')
  parts.forEach((part, i) => header.writeUInt32LE(part.length, 4 + 4 * i))
  return Buffer.concat([header, ...parts])
}
