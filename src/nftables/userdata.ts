/**
 * Notes that nft keeps in tables, rules, sets and elements (libnftnl's udata.h): a list of u8 type, u8
 * length, value. The kernel stores them unread; `nft list` needs them to print types and comments.
 */
export type UserdataEntry = readonly [type: number, value: Uint8Array]

/** NFTNL_UDATA_TABLE_COMMENT and NFTNL_UDATA_RULE_COMMENT. */
const COMMENT = 0

export function writeUserdata(entries: readonly UserdataEntry[]): Uint8Array {
  const bytes = new Uint8Array(entries.reduce((sum, [, value]) => sum + 2 + value.length, 0))
  let at = 0
  for (const [type, value] of entries) {
    bytes[at] = type
    bytes[at + 1] = value.length
    bytes.set(value, at + 2)
    at += 2 + value.length
  }
  return bytes
}

function readUserdata(bytes: Uint8Array): UserdataEntry[] {
  const entries: UserdataEntry[] = []
  for (let at = 0; at + 2 <= bytes.length; ) {
    const length = bytes[at + 1] ?? 0
    entries.push([bytes[at] ?? 0, bytes.subarray(at + 2, at + 2 + length)])
    at += 2 + length
  }
  return entries
}

/** A comment as nft stores it: at most 128 bytes of UTF-8 and a NUL. */
export function commentUserdata(comment: string): Uint8Array {
  return writeUserdata([[COMMENT, new TextEncoder().encode(`${comment}\0`)]])
}

/** The comment in the userdata of a table or a rule. */
export function readComment(userdata: Uint8Array | undefined): string | undefined {
  const entry = readUserdata(userdata ?? new Uint8Array()).find(([type]) => type === COMMENT)
  return entry && new TextDecoder().decode(entry[1].subarray(0, -1))
}

/** A u32 as nft writes its hints: in host byte order. */
export function hint(type: number, value: number): UserdataEntry {
  return [type, Uint8Array.of(value, value >>> 8, value >>> 16, value >>> 24)]
}
