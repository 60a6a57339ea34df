/** What JavaScript can pass where the addon wants bytes, a number, a string or an object. */
export const ODD_VALUES: readonly unknown[] = [
  undefined,
  null,
  true,
  0,
  -1,
  1.5,
  Number.NaN,
  2 ** 31,
  2 ** 53,
  10n,
  '',
  'a\0b',
  '/proc/thread-self/ns/net',
  '/proc/self/nothing',
  'x'.repeat(4095),
  'ü'.repeat(4095),
  // What is no UTF-16 becomes the name of a file as well: of one that cannot be.
  '/proc/self/\ud800',
  Symbol('odd'),
  {},
  [],
  [1, 2, 3],
  [[1, 2, new Uint8Array(4)]],
  () => {},
  new Uint8Array(0),
  new Uint8Array(8).subarray(8),
  new Uint16Array(4),
  new DataView(new ArrayBuffer(4)),
  new ArrayBuffer(4),
  new Uint8Array(new SharedArrayBuffer(4)),
  detached(),
  shrunk(),
  {
    get domain(): never {
      throw new TypeError('A getter that throws.')
    },
  },
  new Proxy({}, { get: () => new Uint8Array(3) }),
]

/** Bytes whose memory has gone to somebody else. */
function detached(): Uint8Array {
  const bytes = new Uint8Array(16)
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] })
  return bytes
}

/** Bytes that begin behind the end of their memory. */
function shrunk(): Uint8Array {
  const buffer = new ArrayBuffer(16, { maxByteLength: 16 })
  const bytes = new Uint8Array(buffer, 8)
  buffer.resize(4)
  return bytes
}
