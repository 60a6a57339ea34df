/**
 * The number of the register at `bytes` into the register file (enum nft_registers): four of 16 bytes
 * (1–4), which are also sixteen of 4 bytes (8–23). nft names the first kind where it can; so do we, that it
 * lists our rules as its own.
 */
export function registerAt(bytes: number): number {
  return bytes % 16 === 0 ? FIRST_REGISTER + bytes / 16 : 8 + bytes / 4
}

/** Keys and values begin here. */
export const FIRST_REGISTER = 1
export const VERDICT_REGISTER = 0
