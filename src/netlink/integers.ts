/**
 * How one integer type lies in memory. Types without `be` are in the byte order of the machine, which is
 * little-endian on both architectures that Sluice runs on (x86-64, arm64).
 */
export interface IntegerCodec<N extends number | bigint> {
  readonly bytes: number
  readonly min: N
  readonly max: N
  readonly read: (view: DataView, at: number) => N
  readonly write: (view: DataView, at: number, value: N) => void
}

export const numbers = {
  u8: {
    bytes: 1,
    min: 0,
    max: 0xff,
    read: (view, at) => view.getUint8(at),
    write: (view, at, value) => view.setUint8(at, value),
  },
  u16: {
    bytes: 2,
    min: 0,
    max: 0xffff,
    read: (view, at) => view.getUint16(at, true),
    write: (view, at, value) => view.setUint16(at, value, true),
  },
  u32: {
    bytes: 4,
    min: 0,
    max: 0xffff_ffff,
    read: (view, at) => view.getUint32(at, true),
    write: (view, at, value) => view.setUint32(at, value, true),
  },
  s32: {
    bytes: 4,
    min: -0x8000_0000,
    max: 0x7fff_ffff,
    read: (view, at) => view.getInt32(at, true),
    write: (view, at, value) => view.setInt32(at, value, true),
  },
  be16: {
    bytes: 2,
    min: 0,
    max: 0xffff,
    read: (view, at) => view.getUint16(at),
    write: (view, at, value) => view.setUint16(at, value),
  },
  be32: {
    bytes: 4,
    min: 0,
    max: 0xffff_ffff,
    read: (view, at) => view.getUint32(at),
    write: (view, at, value) => view.setUint32(at, value),
  },
} satisfies Record<string, IntegerCodec<number>>

export const bigints = {
  u64: {
    bytes: 8,
    min: 0n,
    max: 0xffff_ffff_ffff_ffffn,
    read: (view, at) => view.getBigUint64(at, true),
    write: (view, at, value) => view.setBigUint64(at, value, true),
  },
  be64: {
    bytes: 8,
    min: 0n,
    max: 0xffff_ffff_ffff_ffffn,
    read: (view, at) => view.getBigUint64(at),
    write: (view, at, value) => view.setBigUint64(at, value),
  },
} satisfies Record<string, IntegerCodec<bigint>>

export type NumberType = keyof typeof numbers
export type BigintType = keyof typeof bigints
